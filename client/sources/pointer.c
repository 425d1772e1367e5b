#include "pointer.h"

#include <stdbool.h>
#include <string.h>

/* Bytes of one step of it. */
#define STEP_MAX 256u

/* Copy up to the next '/', with ~0 and ~1 as what they mean; the length of
   what was taken is in *taken. */
static bool
take_step(const char *text, char step[STEP_MAX], size_t *taken)
{
	size_t n = 0, i = 0;

	for (; text[i] != '\0' && text[i] != '/'; i++) {
		char c = text[i];

		if (c == '~') {
			c = text[++i];
			if (c != '0' && c != '1')
				return false;
			c = c == '0' ? '~' : '/';
		}
		if (n + 1 >= STEP_MAX)
			return false;
		step[n++] = c;
	}
	step[n] = '\0';
	*taken = i;
	return true;
}

static json_t *
element(json_t *array, const char *step)
{
	size_t n = 0, index = 0;

	for (; n < 9 && step[n] >= '0' && step[n] <= '9'; n++)
		index = index * 10 + (size_t)(step[n] - '0');
	if (n == 0 || step[n] != '\0' || (n > 1 && step[0] == '0'))
		return NULL;
	return json_array_get(array, index);
}

json_t *
pointer_find(json_t *all, const char *pointer)
{
	char step[STEP_MAX];
	size_t taken;

	while (*pointer != '\0' && all != NULL) {
		if (*pointer++ != '/' || !take_step(pointer, step, &taken))
			return NULL;
		pointer += taken;
		all = json_is_array(all) ? element(all, step) :
		    json_object_get(all, step);
	}
	return all;
}
