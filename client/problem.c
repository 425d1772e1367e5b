#include "problem.h"

#include <stdarg.h>
#include <stdio.h>

enum cofre_status
problem_set(struct problem *p, enum cofre_status s, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(p->text, sizeof(p->text), format, ap);
	va_end(ap);
	return s;
}
