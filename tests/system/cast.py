"""The people of 01-roles-table-holds.py, and the roles that they have."""
import cofre_wire as wire

OWN, OTHER, GONE, NEW = "ws-own", "ws-other", "ws-gone", "ws-new"
NAMES = ("n", "train-n")

# Custom roles: Actions, NotActions, DataActions, NotDataActions, scopes.
EVERYWHERE = (("", ""),)
CUSTOM = {
    "Data Scientist": (["*"], ["workspaces/*/delete", "workspaces/write",
                               "workspaces/identity/*",
                               "workspaces/grants/write"], [], [],
                       EVERYWHERE),
    "values-only": ([], [], ["*"], [], EVERYWHERE),
    "auditor": (["*/READ"], [], [], [], EVERYWHERE),
    "all.but": (["*"], ["*/secrets/*", "workspaces/delete"], ["*"],
                ["*/value/read"], EVERYWHERE),
    "putter": (["workspaces/secrets/write"], [], [], [], EVERYWHERE),
    "trainee": (["workspaces/*"], [], ["*/value/*"], [],
                ((OWN, "train-"),)),
}

# Who: uid, gid, groups, and the grants (kind, who, role, scope, prefix).
G_OWNER, G_CONTRIB, G_READER, G_VAULT, G_OPERATOR = range(41801, 41806)


def user(uid, role, scope=OWN, prefix=""):
    return (wire.USER, uid, role, scope, prefix)


ROLES = {
    "owner": (41001, None, [], [user(41001, "owner")]),
    "contributor": (41002, None, [], [user(41002, "contributor")]),
    "reader": (41003, None, [], [user(41003, "reader")]),
    "owner group": (41004, None, [41777, G_OWNER],
                    [(wire.GROUP, G_OWNER, "owner", OWN, "")]),
    "contributor group": (41005, G_CONTRIB, [],
                          [(wire.GROUP, G_CONTRIB, "contributor", OWN, "")]),
    "reader group": (41006, None, [G_READER],
                     [(wire.GROUP, G_READER, "reader", OWN, "")]),
    "identity": (41007, None, [],
                 [(wire.IDENTITY, OWN, "contributor", OTHER, "")]),
    "identity with gid": (41008, 41708, [], []),
    "its uid, not gid": (41008, 41709, [41708], []),
    "vault owner": (41009, None, [], [user(41009, "owner", "")]),
    "vault contributor": (41010, None, [], [user(41010, "contributor", "")]),
    "vault reader": (41011, None, [], [user(41011, "reader", "")]),
    "vault owner group": (41012, None, [G_VAULT],
                          [(wire.GROUP, G_VAULT, "owner", "", "")]),
    "operator uid 0": (0, 0, [], []),
    "operator group": (41013, None, [G_OPERATOR], []),
    "nobody": (41014, None, [41777], []),
    "agent": (41015, None, [], [user(41015, "agent")]),
    "officer": (41016, None, [], [user(41016, "secrets-officer")]),
    "scientist": (41017, None, [], [user(41017, "Data Scientist")]),
    "values": (41018, None, [], [user(41018, "values-only")]),
    "auditor": (41019, None, [], [user(41019, "auditor")]),
    "all but": (41020, None, [], [user(41020, "all.but")]),
    "all but, and": (41021, None, [], [user(41021, "all.but"),
                                       user(41021, "putter")]),
    "trainee": (41022, None, [], [user(41022, "trainee", OWN, "train-")]),
    "reads some": (41023, None, [],
                   [user(41023, "reader", OWN, "train-"),
                    user(41023, "values-only", OTHER, "tr")]),
    "vault auditor": (41024, None, [], [user(41024, "auditor", "")]),
}
BINDINGS = ((OWN, 41007, None), (OWN, 41008, 41708))
