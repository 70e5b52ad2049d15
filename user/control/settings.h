/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration: one table of keys (settings_table.c) gives the flags, the environment
 * variables, the YAML file, their types and bounds, their help and `ringtail config`. Precedence:
 * flag, environment, file, default; a higher origin replaces a whole list. Read once at the start;
 * the struct is passed to those who need it and never changed.
 */
#ifndef RINGTAIL_CONTROL_SETTINGS_H
#define RINGTAIL_CONTROL_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/log.h"

enum toggle { TOGGLE_AUTO = -1, TOGGLE_OFF, TOGGLE_ON };
enum sink_kind { SINK_CLOUDWATCH, SINK_STDOUT, SINK_FILE };
enum line_format { LINE_FORMAT_JSON, LINE_FORMAT_RAW };
enum backend_choice { BACKEND_AUTO, BACKEND_SYSCALL, BACKEND_VFS };

struct text_list {
	char **items; /* NULL-terminated, never NULL itself */
	size_t count;
};

struct text_map {
	char **keys, **values;
	size_t count;
};

/* Text is never NULL unless the comment says so. Durations are ms, sizes bytes. */
struct settings {
	char *cluster; /* "local" where it is not required; NULL only for SETTINGS_SHOW */
	char *region;  /* NULL: not configured */
	char *node;    /* NULL: not known; the agent always has one */
	char *node_ip; /* NODE_IP, not a key; NULL: not given */
	char *sink;    /* as written */
	enum sink_kind sink_kind;
	char *sink_path; /* of SINK_FILE, else NULL */
	char *state_dir;
	struct {
		char *group, *stream;
		enum line_format format;
		bool merge_json, process, read_from_head;
		struct text_list labels, annotations, include, exclude;
		struct text_map extra;
		uint64_t max_age_ms;
	} containers;
	struct {
		struct text_list include, exclude;
	} namespaces;
	char *multiline, *redact; /* JSON arrays of rules of the right shape; "[]" when unset */
	uint64_t multiline_timeout_ms;
	struct {
		uint64_t line, rate, memory, pinned_disk;
	} limits;
	struct {
		enum backend_choice backend;
		uint64_t ring_size;
		struct text_list cgroups;
	} capture;
	struct {
		bool enabled, read_from_head;
		struct text_list directory, units;
		char *group, *stream;
	} journal;
	struct {
		enum toggle enabled;
		char *url;		    /* NULL: https://${NODE_IP or node}:10250 */
		char *token_file, *ca_file; /* NULL: written as empty, none and the system's */
		bool insecure;
		uint64_t interval_ms;
	} kubelet;
	char *pod_logs_dir;
	struct {
		struct text_list allow_group;
	} annotations;
	struct {
		char *endpoint; /* NULL: by the SDK's rules */
		uint64_t flush_interval_ms;
		bool gzip, auto_create;
		uint64_t retention_days; /* 0: unset */
		struct text_map tags;
		char *kms_key_id, *log_group_class; /* NULL: unset */
		bool entity, fips, dualstack;
		char *proxy, *ca_file, *role_arn, *external_id; /* NULL: unset */
	} cloudwatch;
	char *listen, *control_socket;
	uint64_t shutdown_timeout_ms;
	enum log_level log_level;
	enum log_format log_format;
};

/* Who asks: some defaults and demands differ. */
enum settings_user { SETTINGS_AGENT, SETTINGS_RUN, SETTINGS_TAP, SETTINGS_SHOW };

struct settings_source; /* values with their origins, before they are put together */

/*
 * Collects flags first, then reads environment and file. On wrong input *ret_error (caller frees)
 * is one line that names key, file and line, and the remedy; the result is -EINVAL, or -ENOENT and
 * the like for an unreadable file.
 */
int settings_source_new(struct settings_source **ret);
struct settings_source *settings_source_free(struct settings_source *source);
DEFINE_CLEANUP(struct settings_source *, settings_source_free)

/* A result of settings_flag. */
enum { SETTINGS_NOT_A_KEY = 0, SETTINGS_TOOK_FLAG = 1, SETTINGS_TOOK_FLAG_AND_VALUE = 2 };
/*
 * Looks at one argument ("--limits-line=4KiB", "--no-merge-json" of a boolean key) and, for a flag
 * without "=", at `next` (NULL at the end of the command line). Returns what it used, or negative
 * with *ret_error.
 */
int settings_flag(struct settings_source *source, const char *argument, const char *next,
		  char **ret_error);
/*
 * `config_file` is -c's, or NULL for the default file, which may be missing. `environment` is
 * environ's shape.
 */
int settings_load(struct settings_source *source, const char *config_file, char *const *environment,
		  enum settings_user user, struct settings **ret, char **ret_error);
struct settings *settings_free(struct settings *settings);
DEFINE_CLEANUP(struct settings *, settings_free)

/* Effective values as YAML with the origin of each as a comment. */
int settings_print(const struct settings_source *source, const struct settings *settings,
		   FILE *out);
/* A commented file with every key and its default. */
int settings_print_defaults(FILE *out);

/*
 * The key flag that `argument` ("--snik=x") was probably meant to be, as "--sink", or NULL. The
 * caller frees.
 */
char *settings_suggest_flag(const char *argument);

/*
 * Where the kubelet is asked: *ret is its URL, or NULL when it is not to be asked (kubelet.enabled,
 * and with `auto` neither a token nor a kubelet.url) or no address is known. The caller frees.
 */
int settings_kubelet_url(const struct settings *settings, char **ret);

/*
 * Calls back for each key that the user set to something and that has no effect in this version:
 * false, 0 and empty are what it does anyway.
 */
void settings_each_without_effect(const struct settings_source *source,
				  void (*call)(void *context, const char *key), void *context);

#endif
