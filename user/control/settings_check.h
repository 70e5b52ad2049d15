/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the table's types cannot say of a value: the shape of addresses, templates and rules. Pure
 * functions over a value that is clean UTF-8 and not empty; 0, or -EINVAL with *ret_what (caller
 * frees): what is wrong, a semicolon, the remedy. Private to control/.
 */
#ifndef RINGTAIL_CONTROL_SETTINGS_CHECK_H
#define RINGTAIL_CONTROL_SETTINGS_CHECK_H

#include "control/settings_table.h"

/* cloudwatch, stdout, file:PATH. */
int check_sink(const struct setting_input *input, char **ret_what);
/* Becomes part of a host name. */
int check_region(const struct setting_input *input, char **ret_what);
int check_template(const struct setting_input *input, char **ret_what);
/* ADDRESS:PORT with a numeric address, IPv6 in brackets. */
int check_listen(const struct setting_input *input, char **ret_what);
/* http:// or https://, a host, no credentials: those would show in `ringtail config`. */
int check_url(const struct setting_input *input, char **ret_what);
/* As curl takes it, scheme or not; no credentials either. */
int check_proxy(const struct setting_input *input, char **ret_what);
/* One of the periods that CloudWatch knows. */
int check_retention_days(const struct setting_input *input, char **ret_what);
/* CloudWatch's bounds on tags. */
int check_tags(const struct setting_input *input, char **ret_what);
/* No field that a record has anyway. */
int check_extra(const struct setting_input *input, char **ret_what);
/* JSON arrays of rules; regular expressions are left to those who compile them. */
int check_multiline(const struct setting_input *input, char **ret_what);
int check_redact(const struct setting_input *input, char **ret_what);

#endif
