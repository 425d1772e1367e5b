#include "status.h"

#define STATUS(code, ID, name, exit, text)                                   \
	_Static_assert(COFRE_##ID == (code), "cofre.h and status.def differ");
#include "status.def"
#undef STATUS

const char *
cofre_status_text(enum cofre_status s)
{
	switch (s) {
#define STATUS(code, ID, name, exit, text)                                   \
	case COFRE_##ID:                                                     \
		return text;
#include "status.def"
#undef STATUS
	}
	return "a status that this version does not know";
}

const char *
cofre_status_name(enum cofre_status s)
{
	switch (s) {
#define STATUS(code, ID, name, exit, text)                                   \
	case COFRE_##ID:                                                     \
		return name;
#include "status.def"
#undef STATUS
	}
	return "unknown";
}

int
status_exit_code(enum cofre_status s)
{
	switch (s) {
#define STATUS(code, ID, name, exit, text)                                   \
	case COFRE_##ID:                                                     \
		return exit;
#include "status.def"
#undef STATUS
	}
	return 1;
}
