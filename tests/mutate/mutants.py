"""What may be changed in a C file of this tree, one expression at a time.

The files are read as tokens, and by the tree's style: a function's body
begins with a { in the first column and ends with a } there."""
import collections
import re

# The file's text with [begin:end] replaced by new.
Mutant = collections.namedtuple("Mutant", "file begin end new")

TOKEN = re.compile(r"""
    (?P<skip>\s+|/\*.*?\*/)
  | (?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
  | (?P<number>0x[0-9a-fA-F]+[uU]?|[0-9]+[uU]?)
  | (?P<name>[A-Za-z_]\w*)
  | (?P<op><<=|>>=|->|\+\+|--|<<|>>|[-+*/|&^]=|[<>=!]=|&&|\|\||.)
""", re.X | re.S)
Token = collections.namedtuple("Token", "kind text begin end")

RELATIONS = {
    "==": ["!="], "!=": ["=="], "<": ["<=", ">="], ">": [">=", "<="],
    "<=": ["<", ">"], ">=": [">", "<"]}
OPERATORS = {
    "&&": ["||"], "||": ["&&"], "++": ["--"], "--": ["++"], "+=": ["-="],
    "-=": ["+="], "|=": ["=", "&="], "&=": ["|="], "<<": [">>"],
    ">>": ["<<"], "/": ["*"]}
BINARY = {"+": ["-"], "-": ["+"], "*": ["/"], "|": ["&"], "&": ["|"]}
# Names that stand for others; an enumeration's are told by how they begin.
NAMES = {"true": ["false"], "false": ["true"], "break": [""],
         "continue": [""]}
ENUMERATIONS = {
    "COFRE_": ("COFRE_OK", "COFRE_CORRUPT"),
    "VERDICT_": ("VERDICT_ALLOW", "VERDICT_DENY"),
    "FIT_": ("FIT_ALL", "FIT_NO"),
    "EXPLAIN_": ("EXPLAIN_ALLOWS", "EXPLAIN_NO_ACTION"),
    "FRAME_O": ("FRAME_OK", "FRAME_MORE"),
    "FRAME_B": ("FRAME_OK", "FRAME_BAD"),
    "FRAME_MO": ("FRAME_OK", "FRAME_MORE")}
STATUS = re.compile(r"COFRE_[A-Z_]+$")
TYPES = {"struct", "const", "static", "enum", "size_t", "bool", "char", "int",
         "unsigned", "void", "uint8_t", "uint16_t", "uint32_t", "uint64_t"}
CONTROL = {"if", "while", "for", "switch"}
SET = re.compile(r"\b(?:BIT|action_bit)\(\w+\)")


def tokens(text, offset):
    found = []
    for m in TOKEN.finditer(text):
        if m.lastgroup != "skip":
            found.append(Token(m.lastgroup, m.group(), offset + m.start(),
                               offset + m.end()))
    return found


def bodies(text):
    """(what is before it, offset, text) of each function."""
    at = 0
    head, start = "", None
    for line in text.splitlines(keepends=True):
        if start is None and line.startswith("{"):
            start = at
        elif start is not None and line.startswith("}"):
            yield head, start, text[start:at]
            head, start = "", None
        elif start is None:
            head = "" if not line.strip() else head + line
        at += len(line)


def matching(t, at):
    """The index of the ) of the ( at this index."""
    depth = 0
    for i in range(at, len(t)):
        depth += t[i].text in "([{"
        depth -= t[i].text in ")]}"
        if depth == 0:
            return i
    raise ValueError("no ) for a (")


def is_binary(t, i):
    before = t[i - 1]
    return (before.kind in ("name", "number") and
            before.text not in ("return", "case", "else") or
            before.text in (")", "]"))


class Body:
    def __init__(self, path, text, head, offset, body):
        self.path, self.text, self.head = path, text, head
        self.t = tokens(body, offset)
        self.found = []

    def put(self, begin, end, new):
        if self.text[begin:end] != new:
            self.found.append(Mutant(self.path, begin, end, new))

    def mutants(self):
        for i, token in enumerate(self.t):
            if token.kind == "op":
                self.operator(i, token)
            elif token.kind == "number":
                self.number(token)
            elif token.kind == "name":
                self.name(i, token)
        self.statements()
        self.operands()
        return self.found

    def operator(self, i, token):
        news = RELATIONS.get(token.text) or OPERATORS.get(token.text, [])
        if token.text in BINARY and is_binary(self.t, i) and \
                not self.is_cast(i):
            news = BINARY[token.text]
        for new in news:
            self.put(token.begin, token.end, new)
        if token.text == "!":
            self.put(token.begin, token.end, "")

    def is_cast(self, i):
        """Is it the * of a declaration or cast, or a cast before it?"""
        before = [x.text for x in self.t[max(0, i - 2):i]]
        return any(x in TYPES for x in before) or (
            len(before) == 2 and before[0] == "struct")

    def number(self, token):
        digits = token.text.rstrip("uU")
        n = int(digits, 0)
        suffix = token.text[len(digits):]
        self.put(token.begin, token.end, str(n + 1) + suffix)
        if n > 0:
            self.put(token.begin, token.end, str(n - 1) + suffix)

    def name(self, i, token):
        if token.text in NAMES:
            for new in NAMES[token.text]:
                self.put(token.begin, token.end, new)
        if self.t[i - 1].text in ("return", "?", ":", "=", ":") and \
                self.t[i + 1].text in (";", ":"):
            for begin, (good, bad) in ENUMERATIONS.items():
                if token.text.startswith(begin):
                    self.put(token.begin, token.end,
                             bad if token.text == good else good)
        if token.text in ("if", "while"):
            self.condition(i + 1)
        if token.text == "return" and re.search(r"\bbool\b",
                                                self.head.split("(")[0]):
            end = next(j for j in range(i, len(self.t))
                       if self.t[j].text == ";")
            begin, end = self.t[i + 1].begin, self.t[end].begin
            value = self.text[begin:end]
            if value not in ("true", "false"):
                self.put(begin, end, "!(%s)" % value)

    def condition(self, i):
        """Turned round, if no other change does the same."""
        end = matching(self.t, i)
        inside = self.t[i + 1:end]
        if any(x.text in RELATIONS or x.text == "!" for x in inside):
            return
        begin, end = inside[0].begin, inside[-1].end
        self.put(begin, end, "!(%s)" % self.text[begin:end])

    def statements(self):
        """Left out, but for declarations and returns."""
        start = True
        i = 0
        while i < len(self.t):
            token = self.t[i]
            if token.text in CONTROL:
                i = matching(self.t, i + 1) + 1
                start = True
                continue
            if start and token.text not in "{};":
                i = self.statement(i)
                start = True
                continue
            start = token.text in ("{", "}", ";", "else", ":")
            i += 1

    def statement(self, i):
        """Of one that begins here; the index behind it."""
        token = self.t[i]
        if token.text in ("else", "case", "default", "do"):
            end = ":" if token.text in ("case", "default") else token.text
            while self.t[i].text != end:
                i += 1
            return i + 1
        end = i
        while self.t[end].text != ";":
            end = matching(self.t, end) + 1 if self.t[end].text in "([{" \
                else end + 1
        if token.text not in TYPES | set(NAMES) | {"return", "goto"}:
            self.put(token.begin, self.t[end].begin, "")
        return end + 1

    def operands(self):
        """Of && and ||: left out."""
        for i, token in enumerate(self.t):
            if token.text not in ("&&", "||"):
                continue
            left = self.edge(i - 1, -1)
            right = self.edge(i + 1, 1)
            self.put(token.begin, self.t[right].end, "")
            if self.t[left - 1].text != token.text:
                self.put(self.t[left].begin, token.end, "")

    def edge(self, i, step):
        """The last token of the operand that goes from here that way."""
        depth = 0
        into, out = ("([{", ")]}") if step > 0 else (")]}", "([{")
        while True:
            text = self.t[i].text
            depth += text in into
            if depth == 0 and (text in out or text in
                               ("&&", "||", ";", "?", ":", ",", "=",
                                "return", "{", "}")):
                return i - step
            depth -= text in out
            i += step


def all_of(path, text):
    """Every mutant of a file, in the order of their places."""
    found = []
    for head, offset, body in bodies(text):
        found += Body(path, text, head, offset, body).mutants()
    for m in SET.finditer(text):
        if not text[text.rfind("\n", 0, m.start()):m.start()].startswith(
                "\n#define BIT"):
            found.append(Mutant(path, m.start(), m.end(), "(uint64_t)0"))
    return sorted(set(found))
