"""Makes the corpora of fuzz_session and fuzz_store:

    python3 tests/fuzz/seeds.py tests/fuzz/corpus

Each seed does what it is named after; program.h and rowedit.h say what the
bytes mean.  An operation without a seed is an error.
"""
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
OPS = os.path.join(HERE, '../../src/common/ops.def')


def rows(path, start):
    with open(path) as f:
        text = re.sub(r'/\*.*?\*/', '', f.read(), flags=re.S)
    return re.findall(r'^%s\(([^,]*), *([A-Za-z_0-9]*)' % start, text,
                      flags=re.M)


OP = {name: i for i, (_, name) in enumerate(rows(OPS, 'OP'))}
WORD = {name: i for i, name in enumerate(
    n for n, _ in rows(os.path.join(HERE, 'words.def'), 'WORD'))}
PIECES = ['STRING', 'BYTES', 'RAW32', 'RAW64', 'ANY', 'PID', 'LIST', 'ITEM',
          'LIST_END', 'LONG', 'SOON', 'TOKEN', 'RUN', 'ORIGIN', 'HOST_KEY',
          'BLOB', 'BIND', 'LOGIN', 'FILE']
PIECE = {name: 0xa0 + i for i, name in enumerate(PIECES)}
INSTRUCTIONS = ['CONNECT', 'SELECT', 'REQUEST', 'CODE', 'RAW', 'PIECES',
                'TURNS', 'HALF', 'GONE', 'DEAF', 'TIME', 'WITNESS', 'FOREIGN',
                'MESSAGE', 'UNCUT', 'FAIL']
DO = {name: i for i, name in enumerate(INSTRUCTIONS)}
OPEN, LOCKED, EMPTY = 0, 1, 2
OPERATOR, USER, OTHER, STRANGER, UNSEEN, WEAK, REAL = range(7)
AGENT, SILENT = 64, 128
used = set()


def body(text):
    """The pieces of a body, by their names: b1 (a byte), i1 (uint32), q1
    (uint64), a word, a piece with an argument behind a colon."""
    out = bytearray()
    for w in text.split():
        if w in WORD:
            out.append(0x60 + WORD[w])
        elif re.fullmatch('[biq][0-9]+', w):
            out.append({'b': 0, 'i': 0x20, 'q': 0x40}[w[0]] + int(w[1:]))
        elif re.fullmatch('u[0-9]+', w):
            out += bytes([PIECE['RAW32']]) + int(w[1:]).to_bytes(4, 'big')
        elif ':' in w:
            name, n = w.split(':')
            out += bytes([PIECE[name], int(n)])
        else:
            out.append(PIECE[w])
    return bytes(out) + b'\xff'


def ask(op, text=''):
    used.add(op)
    return bytes([DO['REQUEST'], OP[op]]) + body(text)


def do(name, *args):
    return bytes([DO[name], *args])


def say(number, text=''):
    return bytes([DO['MESSAGE'], number]) + body(text)


def raw(data):
    return bytes([DO['RAW'], len(data)]) + data


def connect(kind):
    return do('CONNECT', kind)


PUT = ('ML %s b4 b0 q0 ANY EMPTY LIST PASSWORD b1 VALUE2 ITEM LIST_END')
RUN = 'ML b1 PID RAW64 EMPTY ANY i0 b0 SALT LABEL LIST STORE ITEM LIST_END'
NONE = 'LIST LIST_END'
as_operator = connect(OPERATOR)

SEEDS = {
    'vault': bytes([EMPTY]) + as_operator + ask('STATUS') + ask('REPORT') +
    ask('SLOT_LIST') + ask('INIT', 'b1 q0 q0 EMPTY KEY') +
    ask('SLOT_ADD', 'b2 q3 q8 SALT OTHER_KEY') + ask('SLOT_LIST') +
    ask('SLOT_REMOVE', 'i1') + ask('LOCK') +
    ask('UNLOCK', 'i2 OTHER_KEY b0') + ask('STATUS'),
    'unlock': bytes([LOCKED]) + as_operator +
    ask('UNLOCK', 'i0 OTHER_KEY b0') + ask('UNLOCK', 'i0 KEY b0') +
    do('TIME', 0) + ask('UNLOCK', 'i0 KEY b1') + ask('SECRET_GET',
                                                     'ML STORE i0 EMPTY'),
    'lock-among-others': bytes([OPEN]) + as_operator + connect(USER) +
    do('UNCUT') + ask('SECRET_PUT', PUT % 'API') +
    ask('SECRET_GET', 'ML API i0 EMPTY') + do('SELECT', 0) + ask('LOCK') +
    do('SELECT', 1) + ask('STATUS') + do('SELECT', 0) +
    ask('UNLOCK', 'i1 KEY b0'),
    'workspaces': bytes([OPEN]) + as_operator +
    ask('WORKSPACE_CREATE', 'NEW') + ask('WORKSPACE_LIST', 'EMPTY b1') +
    ask('WORKSPACE_SHOW', 'ML') + ask('WORKSPACE_UNDELETE', 'OLD') +
    ask('WORKSPACE_DELETE', 'ML') + ask('WORKSPACE_PURGE', 'ML') +
    ask('WORKSPACE_CREATE', 'ML') + ask('WORKSPACE_LIST', 'WEB b0'),
    'identity': bytes([OPEN]) + connect(USER) +
    ask('IDENTITY_SHOW', 'ML') + do('SELECT', 0) + as_operator +
    ask('IDENTITY_BIND', 'WEB u2002 ANY EMPTY RAW32') +
    ask('IDENTITY_BIND', 'WEB ANY ANY EMPTY STRING:0 UNIT CGROUP') +
    ask('IDENTITY_UNBIND', 'ML u2001 ANY EXE EMPTY EMPTY EMPTY') +
    ask('IDENTITY_REPAIR', 'ML b1') + ask('IDENTITY_REPAIR', 'ML b0') +
    ask('IDENTITY_REVOKE', 'ML') + ask('IDENTITY_SHOW', 'ML'),
    'digest': bytes([OPEN]) + as_operator +
    ask('IDENTITY_BIND', 'ML u2001 ANY EMPTY OTHER_KEY EMPTY EMPTY') +
    connect(USER) + ask('SECRET_LIST', 'ML q0 b0'),
    'grants': bytes([OPEN]) + as_operator +
    ask('GRANT_ADD', 'WEB b2 u2003 EMPTY READER PREFIX') +
    ask('GRANT_LIST', 'WEB') + ask('GRANT_LIST', 'EMPTY') +
    ask('GRANT_REMOVE', 'WEB b2 u2003 EMPTY EMPTY PREFIX') +
    ask('POLICY_EXPLAIN', 'ML STORE b2 u2002 EMPTY ANY ' + NONE + ' READ') +
    ask('POLICY_WHO', 'ML STORE READ') + ask('POLICY_WHO', 'EMPTY EMPTY ROLES_READ'),
    'roles': bytes([OPEN]) + as_operator +
    ask('ROLE_LIST', 'EMPTY') + ask('ROLE_SHOW', 'ML ROLE i0') +
    ask('ROLE_PUT', 'ROLE LABEL LIST SECRETS ITEM LIST_END LIST LISTING ITEM '
        'LIST_END ' + NONE + ' ' + NONE + ' LIST EMPTY EMPTY ITEM LIST_END ANY') +
    ask('ROLE_SHOW', 'EMPTY ROLE i1') + ask('ROLE_DELETE', 'ROLE') +
    ask('GRANT_REMOVE', 'ML b2 u2002 EMPTY ROLE PREFIX') +
    ask('ROLE_DELETE', 'ROLE'),
    'secrets': bytes([OPEN]) + connect(USER) +
    ask('SECRET_LIST', 'ML q0 b1') + ask('SECRET_SHOW', 'ML STORE') +
    ask('SECRET_VERSIONS', 'ML STORE') + ask('SECRET_PUT', PUT % 'NEW') +
    ask('SECRET_GET', 'ML DB i0 EMPTY') + ask('SECRET_GET', 'ML STORE i1 ACCOUNT_KEY') +
    ask('SECRET_DELETE', 'ML STORE') + ask('SECRET_UNDELETE', 'ML SECOND') +
    ask('SECRET_PURGE', 'ML NEW') + ask('SECRET_GET', 'ML DB i0 EMPTY'),
    'put-follows': bytes([OPEN]) + as_operator +
    ask('SECRET_PUT', 'ML NEW b3 b2 SOON:9 i0 STORE LIST USER b0 LOGIN ITEM '
        'LIST_END') + ask('SECRET_SOURCE', 'ML NEW SOURCE LIST ARGUMENT PATH '
                          'ITEM LIST_END') + do('TIME', 2) +
    ask('SECRET_GET', 'ML NEW i0 EMPTY') + ask('SECRET_STALE', 'ML STORE i0'),
    'big': bytes([OPEN]) + as_operator +
    ask('SECRET_PUT', 'ML API b4 b0 q0 ANY EMPTY LIST PASSWORD b1 LONG:250 '
        'ITEM USER b1 LONG:220 ITEM LIST_END') + do('DEAF') + do('UNCUT') +
    ask('SECRET_GET', 'ML API i0 EMPTY') * 4 + do('TURNS', 7) +
    do('TIME', 2) + do('TURNS', 3),
    'watch': bytes([OPEN]) + connect(USER) +
    ask('SECRET_WATCH', 'ML b1 LIST STORE i2 i0 ITEM API i1 i0 ITEM LIST_END') +
    as_operator + ask('SECRET_PUT', PUT % 'API') + do('SELECT', 0) +
    ask('SECRET_WATCH', 'ML b1 LIST STORE i2 i0 ITEM LIST_END') +
    do('SELECT', 1) + ask('GRANT_REMOVE', 'ML b2 u2001 EMPTY EMPTY EMPTY') +
    do('SELECT', 0) + ask('STATUS'),
    'activity': bytes([OPEN]) + as_operator +
    ask('ACTIVITY_READ', 'EMPTY q0 i31') + ask('ACTIVITY_READ', 'ML q5 i3') +
    connect(USER) + ask('ACTIVITY_READ', 'ML q1 ANY'),
    'run': bytes([OPEN]) + connect(USER) +
    ask('RUN_SCAN', 'ML q0 LIST VALUE ITEM VALUE2 ITEM LIST_END') +
    bytes([DO['REQUEST'], OP['RUN_START']]) +
    body('ML b1 PID')[:-1] + bytes([PIECE['RAW64']]) + (1000).to_bytes(8, 'big') +
    body('EMPTY ANY i0 b0 SALT LABEL LIST STORE ITEM DB ITEM LIST_END') +
    connect(USER) + ask('SECRET_GET', 'ML STORE i0 EMPTY') +
    ask('SECRET_GET', 'ML API i0 EMPTY') + do('SELECT', 0) +
    ask('RUN_LIST', 'ML EMPTY') + ask('RUN_SHOW', 'ML RUN') +
    ask('RUN_RENEW', 'ML RUN i9') + as_operator + ask('LOCK') +
    ask('UNLOCK', 'i0 KEY b0') + ask('RUN_LIST', 'ML EMPTY'),
    'token': bytes([OPEN]) + connect(STRANGER) + ask('RUN_ATTACH', 'TOKEN') +
    ask('SECRET_GET', 'ML STORE i0 EMPTY') + ask('SECRET_GET', 'ML DB i0 EMPTY') +
    as_operator + ask('RUN_END', 'ML RUN') + do('SELECT', 0) + ask('STATUS'),
    'run-is-over': bytes([OPEN]) + as_operator +
    ask('RUN_START', 'ML b0 i0 q0 EMPTY ANY i9 b1 EMPTY EMPTY LIST API ITEM '
        'LIST_END') + connect(OTHER) + ask('RUN_ATTACH', 'TOKEN') +
    ask('SECRET_GET', 'ML API i0 EMPTY') + do('TIME', 3) +
    ask('SECRET_GET', 'ML API i0 EMPTY'),
    'resync': bytes([OPEN]) + as_operator + ask('RESYNC_BEGIN', 'ML b0') +
    ask('RESYNC_LIST', 'ML q0') +
    bytes([DO['REQUEST'], OP['RESYNC_STAGE']]) +
    body('ML STORE i2 ORIGIN b1 b1 b2')[:-1] +
    body('q1 q0 EMPTY LIST ACCOUNT_KEY b1 VALUE ITEM LIST_END') +
    ask('RESYNC_COMMIT', 'ML i9 b1') + ask('SECRET_VERSIONS', 'ML STORE') +
    do('TIME', 2) + ask('SECRET_GET', 'ML STORE i2 EMPTY'),
    'resync-compares': bytes([OPEN]) + as_operator +
    ask('RESYNC_BEGIN', 'ML b0') + ask('RESYNC_LIST', 'ML q0') +
    ask('RESYNC_STAGE', 'ML STORE i2 ORIGIN b1 b1 b0 q1 q0 EMPTY LIST '
        'ACCOUNT_KEY b1 VALUE2 ITEM LIST_END') +
    bytes([DO['REQUEST'], OP['RESYNC_STAGE']]) +
    body('ML STORE i2 ORIGIN b1 b1 b0 q1 q0 EMPTY LIST ACCOUNT_KEY b1 '
         'STRING:33')[:-1] + b'another value, of another versioN' +
    body('ITEM LIST_END') + ask('RESYNC_COMMIT', 'ML i0 b0') +
    ask('SECRET_GET', 'ML STORE i0 EMPTY'),
    'resync-fails': bytes([OPEN]) + as_operator + ask('RESYNC_BEGIN', 'ML b1') +
    ask('RESYNC_LIST', 'ML q0') +
    ask('RESYNC_STAGE', 'ML STORE i2 ORIGIN b2 b0 b0 q0 q0 PROBLEM ' + NONE) +
    ask('SECRET_PUT', PUT % 'STORE') + ask('RESYNC_COMMIT', 'ML i0 b0') +
    connect(USER) + ask('RESYNC_BEGIN', 'ML b0') + do('SELECT', 0) +
    ask('LOCK'),
    'targets': bytes([OPEN]) + as_operator +
    ask('TARGET_CREATE', 'ML NEW ADDRESS i22 LOGIN b0 EMPTY ' + NONE) +
    ask('TARGET_ROTATE', 'ML NEW ANY') + ask('TARGET_LIST', 'ML EMPTY') +
    ask('TARGET_SHOW', 'ML NEW') + ask('TARGET_SETTLE', 'ML NEW i2') +
    ask('TARGET_PIN', 'ML NEW ANY LIST HOST_KEY ITEM LIST_END') +
    ask('TARGET_SET', 'ML NEW ANY HOST i22 LOGIN b1 OPTIONS LIST NAMESPACE '
        'ITEM LIST_END') + ask('TARGET_REACH', 'ML NEW') +
    ask('TARGET_DELETE', 'ML CLUSTER') + ask('TARGET_DELETE', 'ML NEW'),
    'ca': bytes([OPEN]) + as_operator + ask('CA_SHOW', 'ML') +
    ask('CA_HOST', 'ML CLUSTER HOST_KEY LIST HOST ITEM LIST_END i0') +
    ask('CA_USER', 'ML CLUSTER i9 COMMAND EMPTY') +
    ask('CA_REVOKE', 'ML q2 SOON:99') + ask('CA_KRL', 'ML') +
    ask('WORKSPACE_DELETE', 'ML') + ask('WORKSPACE_PURGE', 'ML'),
    'turn-of-both-stores': bytes([OPEN]) + as_operator + do('UNCUT') +
    ask('GRANT_ADD', 'ML b2 u2003 EMPTY READER EMPTY') +
    ask('TARGET_CREATE', 'ML NEW ADDRESS i22 LOGIN b0 EMPTY ' + NONE) +
    ask('SECRET_PUT', PUT % 'NEW') + ask('TARGET_ROTATE', 'ML NEW ANY') +
    ask('WORKSPACE_DELETE', 'ML') + ask('STATUS'),
    'commit-fails': bytes([OPEN]) + as_operator + do('FAIL', 1) +
    do('UNCUT') + ask('SECRET_PUT', PUT % 'NEW') +
    ask('WORKSPACE_CREATE', 'NEW') +
    ask('GRANT_REMOVE', 'ML b2 u2001 EMPTY EMPTY EMPTY') +
    ask('ROLE_PUT', 'LABEL LABEL LIST SECRETS ITEM LIST_END ' + NONE + ' ' +
        NONE + ' ' + NONE + ' LIST EMPTY EMPTY ITEM LIST_END i0') +
    ask('RUN_END', 'ML RUN') + ask('SECRET_GET', 'ML NEW i0 EMPTY') + do('TURNS', 3) +
    ask('SECRET_GET', 'ML NEW i0 EMPTY'),
    'ssh-commit-fails': bytes([OPEN]) + as_operator + do('FAIL', 3) +
    ask('TARGET_CREATE', 'ML NEW ADDRESS i22 LOGIN b0 EMPTY ' + NONE) +
    do('FAIL', 1) + ask('TARGET_ROTATE', 'ML CLUSTER ANY') + do('FAIL', 2) +
    ask('TARGET_DELETE', 'ML CLUSTER'),
    'purge-fails': bytes([OPEN]) + as_operator + do('FAIL', 2) +
    ask('WORKSPACE_DELETE', 'ML') + ask('WORKSPACE_PURGE', 'ML'),
    'agent': bytes([OPEN]) + connect(USER | AGENT) + say(11) +
    say(27, 'EXT_QUERY') + say(27, 'EXT_WORKSPACE ML') +
    say(27, 'EXT_BIND BIND') + say(13, 'BLOB LOGIN i0') +
    say(13, 'BLOB FILE i0') + say(19) + say(27, 'UNIT'),
    'agent-of-a-run': bytes([OPEN]) + as_operator +
    bytes([DO['REQUEST'], OP['RUN_START']]) +
    body('ML b1 PID')[:-1] + bytes([PIECE['RAW64']]) + (1000).to_bytes(8, 'big') +
    body('EMPTY ANY i0 b0 EMPTY EMPTY ' + NONE) + connect(USER | AGENT) +
    say(11) + say(27, 'EXT_BIND BIND') + say(13, 'BLOB LOGIN i0'),
    'agent-in-pieces': bytes([LOCKED]) + connect(REAL | AGENT) +
    do('PIECES', 3) + say(11) + say(13, 'BLOB FILE i0') + do('PIECES', 0) +
    raw(b'\0\0\0\0\x0b'),
    'pieces': bytes([OPEN]) + do('CONNECT', REAL | SILENT) + do('PIECES', 1) +
    ask('HELLO', 'i1 i1 CLIENT') + do('PIECES', 7) +
    ask('SECRET_GET', 'ML STORE i0 EMPTY') + ask('STATUS') + do('HALF'),
    'no-hello': bytes([OPEN]) + do('CONNECT', USER | SILENT) + ask('STATUS'),
    'wrong-version': bytes([OPEN]) + connect(USER) +
    raw(b'\0\0\0\x08\x02\0\0\x02\0\0\0\x09') + ask('STATUS'),
    'bad-length': bytes([OPEN]) + connect(USER) + raw(b'\xff\xff\xff\xff\1'),
    'half-a-frame': bytes([OPEN]) + connect(USER) +
    raw(b'\0\0\0\x08\x01\0\0\x02\0') + do('HALF'),
    'many-at-once': bytes([OPEN]) + connect(USER) + do('UNCUT') +
    ask('STATUS') * 90 + connect(OTHER) + do('UNCUT') + ask('STATUS') * 70,
    'unknown-operation': bytes([OPEN]) + connect(UNSEEN) +
    do('CODE', 7, 7) + body('VALUE') + do('CODE', 0, 110) + body('BIND') +
    ask('SECRET_GET', 'ML STORE i0 EMPTY'),
    'foreign': bytes([OPEN]) + connect(USER) + do('FOREIGN') +
    ask('STATUS') + ask('SECRET_GET', 'ML STORE i0 EMPTY') + ask('STATUS'),
    'witness-is-late': bytes([OPEN]) + do('WITNESS', 12) + connect(USER) +
    connect(OTHER) + do('TURNS', 7) + do('WITNESS', 1) + connect(OTHER) +
    ask('SECRET_LIST', 'ML q0 b0'),
    'many-connections': bytes([OPEN]) + connect(WEAK) * 4 + connect(REAL) * 6 +
    do('GONE') + connect(STRANGER) + do('TIME', 2) + ask('WORKSPACE_LIST', 'EMPTY b0'),
}


EDITS = ['DELETE', 'BYTES', 'LENGTH', 'LONG', 'SWAP', 'COPY', 'MOVE', 'KEY',
         'NEW', 'OLDER', 'ALL_OLDER', 'NOTHING', 'PLAIN', 'PLAIN_LENGTH',
         'PLAIN_NEW']
EDIT = {name: i for i, name in enumerate(EDITS)}
SUMS, SSH_SUMS, ACCEPT = 1, 2, 4
BOTH = SUMS | SSH_SUMS
# The first row of each table; those of the SSH store.
HEADER, SLOT, STATE, WORKSPACE, HEAD, BODY, ROLE, RUN_ROW, MARK = (
    0, 1, 3, 4, 8, 13, 19, 20, 21)
SSH = 0x80
SSH_HEADER, SSH_STATE, TARGET, CA, SSH_KEY = (SSH | i for i in range(5))


def change(what, row, *args):
    return bytes([EDIT[what], row, *args])


def plain(row, at, data):
    return change('PLAIN', row, at, len(data)) + data


STORE_SEEDS = {
    'unchanged': bytes([0]),
    'sums-made-anew': bytes([BOTH]),
    'a-bit': bytes([0]) + change('BYTES', BODY, 200, 1) + b'x',
    'a-row-less': bytes([0]) + change('DELETE', BODY),
    'a-row-more': bytes([0]) + change('NEW', 0, 21) + b'\6' + bytes(20) +
    b'\4abcd',
    'another-table': bytes([BOTH]) + change('NEW', 0, 1) + b'\x09' +
    b'\1a' + change('NEW', 0, 1) + b'\x0a' + b'\1a',
    'no-header': bytes([BOTH]) + change('DELETE', HEADER),
    'newer-header': bytes([BOTH]) + change('BYTES', HEADER, 120, 1) + b'\x09',
    'no-slot': bytes([BOTH]) + change('DELETE', SLOT),
    'no-state': bytes([BOTH]) + change('DELETE', STATE),
    'no-workspace': bytes([BOTH]) + change('DELETE', WORKSPACE + 1),
    'no-vault-workspace': bytes([BOTH]) + change('DELETE', WORKSPACE),
    'no-head': bytes([BOTH]) + change('DELETE', HEAD),
    'no-body': bytes([BOTH]) + change('DELETE', BODY),
    'no-mark': bytes([BOTH]) + change('DELETE', MARK),
    'no-role': bytes([BOTH]) + change('DELETE', ROLE),
    'no-run': bytes([BOTH]) + change('DELETE', RUN_ROW),
    'swapped-bodies': bytes([BOTH]) + change('SWAP', BODY, BODY + 1),
    'swapped-heads': bytes([BOTH]) + change('SWAP', HEAD, HEAD + 1),
    'copied-body': bytes([BOTH]) + change('COPY', BODY + 1, BODY),
    'moved-workspace': bytes([BOTH]) + change('MOVE', WORKSPACE + 2,
                                              WORKSPACE + 1),
    'older-head': bytes([BOTH]) + change('OLDER', HEAD + 2),
    'older-workspaces': bytes([BOTH]) + change('OLDER', WORKSPACE + 2) +
    change('OLDER', WORKSPACE + 3),
    'all-older': bytes([0]) + change('ALL_OLDER', 0),
    'all-older-accepted': bytes([ACCEPT]) + change('ALL_OLDER', 0) +
    change('ALL_OLDER', SSH),
    'ssh-older': bytes([0]) + change('ALL_OLDER', SSH),
    'ssh-older-accepted': bytes([ACCEPT]) + change('ALL_OLDER', SSH),
    'ssh-gone': bytes([0]) + change('NOTHING', SSH),
    'ssh-gone-accepted': bytes([ACCEPT]) + change('NOTHING', SSH),
    'ssh-key-swapped': bytes([BOTH]) + change('SWAP', SSH_KEY, SSH_KEY + 1),
    'ssh-target-gone': bytes([BOTH]) + change('DELETE', TARGET),
    'sealed-workspace': bytes([BOTH]) + plain(WORKSPACE + 1, 30, b'\1\2'),
    'sealed-head': bytes([BOTH]) + plain(HEAD, 20, b'\3\1\xff\xff\xff'),
    'sealed-body': bytes([BOTH]) + plain(BODY, 100, bytes(4)),
    'sealed-role': bytes([BOTH]) + plain(ROLE, 200, b'\0\0\0\x40'),
    'sealed-run': bytes([BOTH]) + plain(RUN_ROW, 40, b'\2\1\xff'),
    'sealed-state': bytes([BOTH]) + plain(STATE, 200, b'\0\0'),
    'sealed-target': bytes([BOTH]) + plain(TARGET, 128, b'\0\0\0\1a') +
    plain(CA, 100, b'x'),
    'cut': bytes([BOTH]) + change('PLAIN_LENGTH', HEAD, 12) +
    change('LENGTH', BODY, 30),
}


def write(directory, seeds):
    os.makedirs(directory, exist_ok=True)
    for name, data in seeds.items():
        with open(os.path.join(directory, name), 'wb') as f:
            f.write(data)
    print('%s: %d seeds' % (directory, len(seeds)))


def main():
    left = sorted(op for op in OP if op not in used and
                  not op.startswith('SSH_'))
    if left:
        sys.exit('no seed has ' + ', '.join(left))
    write(os.path.join(sys.argv[1], 'session'), SEEDS)
    write(os.path.join(sys.argv[1], 'store'), STORE_SEEDS)


main()
