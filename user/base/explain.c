/* SPDX-License-Identifier: Apache-2.0 */
#include "base/explain.h"

#include <stdarg.h>
#include <stdio.h>

int explain(int error, char **ret_error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(ret_error, format, arguments) < 0)
		*ret_error = NULL;
	va_end(arguments);
	return error;
}
