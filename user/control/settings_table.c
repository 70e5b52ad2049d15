/* SPDX-License-Identifier: Apache-2.0 */
#include "control/settings_table.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "control/settings_check.h"
#include "control/text.h"

#define KEY(key_name, key_type, member)                                                            \
	.name = key_name, .type = SETTING_##key_type, .offset = offsetof(struct settings, member), \
	.width = sizeof(((struct settings *)0)->member)

#define BETWEEN(low, high) .least = (low), .most = (high)

#define KIB UINT64_C(1024)
#define MIB (KIB * 1024)
#define GIB (MIB * 1024)
#define SECOND UINT64_C(1000)
#define HOUR (SECOND * 3600)
#define DAY (HOUR * 24)

#define SERVICE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount/"

static const struct setting_word switch_words[] = { { "true", true }, { "false", false }, { 0 } };
static const struct setting_word toggle_words[] = {
	{ "auto", TOGGLE_AUTO },
	{ "true", TOGGLE_ON },
	{ "false", TOGGLE_OFF },
	{ 0 },
};
static const struct setting_word format_words[] = {
	{ "json", LINE_FORMAT_JSON }, { "raw", LINE_FORMAT_RAW }, { 0 },
};
static const struct setting_word backend_words[] = {
	{ "auto", BACKEND_AUTO },
	{ "syscall", BACKEND_SYSCALL },
	{ "vfs", BACKEND_VFS },
	{ 0 },
};
static const struct setting_word compression_words[] = {
	{ "gzip", true }, { "none", false }, { 0 },
};
/* Of a text key: only the words count. */
static const struct setting_word class_words[] = {
	{ "STANDARD", 0 }, { "INFREQUENT_ACCESS", 0 }, { "DELIVERY", 0 }, { 0 },
};
static const struct setting_word level_words[] = {
	{ "error", LOG_LEVEL_ERROR },  { "warning", LOG_LEVEL_WARNING },
	{ "warn", LOG_LEVEL_WARNING }, { "info", LOG_LEVEL_INFO },
	{ "debug", LOG_LEVEL_DEBUG },  { 0 },
};
static const struct setting_word log_format_words[] = {
	{ "text", LOG_FORMAT_TEXT }, { "json", LOG_FORMAT_JSON }, { 0 },
};

static const struct setting table[] = {
	{ KEY("cluster", TEXT, cluster), .flags = SETTING_OPTIONAL, .most = 512,
	  .variables = { "CLUSTER_NAME" },
	  .help = "Name of the cluster, ${cluster} in templates. The agent needs it for the sink "
		  "cloudwatch; else it is \"local\"." },
	{ KEY("region", TEXT, region), .flags = SETTING_OPTIONAL, .most = 64, .check = check_region,
	  .variables = { "REGION", "AWS_REGION", "AWS_DEFAULT_REGION" },
	  .help = "AWS Region. Unset: the order of the AWS SDKs, then the instance's metadata." },
	{ KEY("node", TEXT, node), .flags = SETTING_OPTIONAL, .most = 253,
	  .variables = { "NODE_NAME" },
	  .help = "Name of the node, ${node} and ${hostname}. Unset: NODE_NAME; outside Kubernetes "
		  "the hostname." },
	{ KEY("sink", TEXT, sink), .flags = SETTING_OPTIONAL, .most = 4096, .check = check_sink,
	  .help = "Where events go: cloudwatch, stdout or file:PATH (JSON lines). Unset: "
		  "cloudwatch in agent, stdout in run." },
	{ KEY("state_dir", TEXT, state_dir), .preset = "/var/lib/ringtail", .most = 4000,
	  .help = "Directory of the cursors. One agent at a time holds its lock." },

	{ KEY("containers.group", TEMPLATE, containers.group),
	  .preset = "/eks/${cluster}/containers", .most = 4096,
	  .help = "Template of the log group." },
	{ KEY("containers.stream", TEMPLATE, containers.stream), .most = 4096,
	  .preset = "${pod}_${namespace}_${container}-${container_id}",
	  .help = "Template of the log stream." },
	{ KEY("containers.format", CHOICE, containers.format), .preset = "json",
	  .words = format_words,
	  .help = "json: a record with the line and its names. raw: the line alone." },
	{ KEY("containers.merge_json", CHOICE, containers.merge_json), .preset = "false",
	  .words = switch_words,
	  .help = "A line that is a JSON object goes in as log_processed, not as text." },
	{ KEY("containers.labels", LIST, containers.labels),
	  .help = "Pod labels to put into the record; \"*\" is all." },
	{ KEY("containers.annotations", LIST, containers.annotations),
	  .help = "Pod annotations to put into the record; \"*\" is all." },
	{ KEY("containers.extra", MAP, containers.extra), .check = check_extra,
	  .help = "Fixed fields that are added to each record." },
	{ KEY("containers.process", CHOICE, containers.process), .preset = "false",
	  .words = switch_words,
	  .help = "Put pid and name of the writing process into the record." },
	{ KEY("containers.read_from_head", CHOICE, containers.read_from_head),
	  .flags = SETTING_WITHOUT_EFFECT, .preset = "true", .words = switch_words,
	  .help = "On first sight of a container also deliver what it wrote before, and containers "
		  "that ended before." },
	{ KEY("containers.max_age", DURATION, containers.max_age_ms),
	  .flags = SETTING_WITHOUT_EFFECT, .preset = "14d", BETWEEN(0, 3650 * DAY),
	  .help = "Older history is not sent." },
	{ KEY("containers.include", LIST, containers.include), .preset = "*",
	  .help = "Globs of container names to follow." },
	{ KEY("containers.exclude", LIST, containers.exclude),
	  .help = "Globs of container names not to follow." },

	{ KEY("namespaces.include", LIST, namespaces.include), .preset = "*",
	  .help = "Globs of namespaces to follow." },
	{ KEY("namespaces.exclude", LIST, namespaces.exclude),
	  .help = "Globs of namespaces not to follow." },

	{ KEY("multiline", JSON, multiline), .flags = SETTING_WITHOUT_EFFECT, .preset = "[]",
	  .check = check_multiline,
	  .help = "Rules that join lines: {match: {namespace, pod, container}, start: REGEX} or "
		  "{match, preset: "
		  "java|python|go|ruby|dotnet}. JSON in flags and variables." },
	{ KEY("multiline_timeout", DURATION, multiline_timeout_ms), .flags = SETTING_WITHOUT_EFFECT,
	  .preset = "2s", BETWEEN(1, HOUR),
	  .help = "A joined event waits at most this long for its next line." },
	{ KEY("redact", JSON, redact), .flags = SETTING_REFUSED, .preset = "[]",
	  .check = check_redact,
	  .help = "Rules that replace text: {match, pattern: REGEX, replace: TEXT}. JSON in flags "
		  "and variables." },

	{ KEY("limits.line", SIZE, limits.line), .preset = "1048550",
	  BETWEEN(KIB, 1048550), /* CloudWatch: 1 MiB - 26 */
	  .help = "Bound of a finished message. A longer line becomes several events; nothing is "
		  "dropped." },
	{ KEY("limits.rate", SIZE, limits.rate), .flags = SETTING_WITHOUT_EFFECT, .preset = "0",
	  BETWEEN(0, UINT64_MAX),
	  .help = "Bytes of log a second that a container may send; 0 is no limit. The excess is "
		  "delayed, not dropped." },
	{ KEY("limits.memory", SIZE, limits.memory), .preset = "64MiB", BETWEEN(MIB, 1024 * GIB),
	  .help = "Bound for everything that the agent holds outside the rings." },
	{ KEY("limits.pinned_disk", SIZE, limits.pinned_disk), .flags = SETTING_WITHOUT_EFFECT,
	  .preset = "1GiB", BETWEEN(0, UINT64_MAX),
	  .help = "Disk that held-open rotated or deleted log files may keep." },

	{ KEY("capture.backend", CHOICE, capture.backend), .preset = "auto", .words = backend_words,
	  .help = "Which hooks capture: auto, syscall or vfs." },
	{ KEY("capture.ring_size", SIZE, capture.ring_size), .preset = "16MiB",
	  BETWEEN(64 * KIB, GIB),
	  .help = "Size of each ring, rounded up to a power of two. There are as many as CPUs, at "
		  "most 4." },
	{ KEY("capture.cgroups", LIST, capture.cgroups),
	  .help = "Globs of cgroup paths to follow beyond those of Kubernetes." },

	{ KEY("journal.enabled", CHOICE, journal.enabled), .flags = SETTING_WITHOUT_EFFECT,
	  .preset = "true", .words = switch_words,
	  .help = "Whether the node's journal is collected." },
	{ KEY("journal.directory", LIST, journal.directory), .flags = SETTING_WITHOUT_EFFECT,
	  .preset = "/run/log/journal,/var/log/journal",
	  .help = "Where the journal is; those that have one are read." },
	{ KEY("journal.units", LIST, journal.units), .flags = SETTING_WITHOUT_EFFECT,
	  .preset = "kubelet.service,kube-proxy.service,kubeproxy.service,docker.service,"
		    "containerd.service",
	  .help = "Globs of systemd units; \"*\" is all." },
	{ KEY("journal.group", TEMPLATE, journal.group), .flags = SETTING_WITHOUT_EFFECT,
	  .preset = "/eks/${cluster}/systemd", .most = 4096, .help = "Template of the log group." },
	{ KEY("journal.stream", TEMPLATE, journal.stream), .flags = SETTING_WITHOUT_EFFECT,
	  .preset = "${unit}-${hostname}", .most = 4096,
	  .help = "Template of the log stream; ${hostname} is the entry's own here." },
	{ KEY("journal.read_from_head", CHOICE, journal.read_from_head),
	  .flags = SETTING_WITHOUT_EFFECT, .preset = "true", .words = switch_words,
	  .help = "At the first start also deliver what the journal already holds." },

	{ KEY("kubelet.enabled", CHOICE, kubelet.enabled), .preset = "auto", .words = toggle_words,
	  .help = "Whether the kubelet is asked for names. auto: when a ServiceAccount token or "
		  "kubelet.url is there." },
	{ KEY("kubelet.url", TEXT, kubelet.url), .flags = SETTING_OPTIONAL, .most = 2048,
	  .check = check_url,
	  .help = "Unset: https://ADDRESS:10250, the address being NODE_IP or else the node." },
	{ KEY("kubelet.token_file", TEXT, kubelet.token_file), .flags = SETTING_OPTIONAL,
	  .most = 4095, .preset = SERVICE_ACCOUNT "token",
	  .help = "File with the token for the kubelet; read for every request. Empty: no token." },
	{ KEY("kubelet.ca_file", TEXT, kubelet.ca_file), .flags = SETTING_OPTIONAL, .most = 4095,
	  .preset = SERVICE_ACCOUNT "ca.crt",
	  .help = "Certificates that the kubelet's is checked against. Empty: the system's." },
	{ KEY("kubelet.insecure", CHOICE, kubelet.insecure), .preset = "false",
	  .words = switch_words, .help = "Do not check the kubelet's certificate." },
	{ KEY("kubelet.interval", DURATION, kubelet.interval_ms), .preset = "60s",
	  BETWEEN(SECOND, DAY),
	  .help = "How often the kubelet is asked, beside at once for an unknown container." },

	{ KEY("pod_logs_dir", TEXT, pod_logs_dir), .preset = "/var/log/pods", .most = 4000,
	  .help = "The kubelet's log directory." },
	{ KEY("annotations.allow_group", LIST, annotations.allow_group),
	  .flags = SETTING_WITHOUT_EFFECT,
	  .help = "Globs of log groups that pods may choose by the annotation ringtail.io/group." },

	{ KEY("cloudwatch.endpoint", TEXT, cloudwatch.endpoint), .flags = SETTING_OPTIONAL,
	  .most = 2048, .check = check_url,
	  .help = "URL of CloudWatch Logs. Unset: the rules of the AWS SDKs." },
	{ KEY("cloudwatch.flush_interval", DURATION, cloudwatch.flush_interval_ms), .preset = "5s",
	  BETWEEN(0, HOUR), .help = "The oldest event waits at most this long, unless throttled." },
	{ KEY("cloudwatch.compression", CHOICE, cloudwatch.gzip), .preset = "gzip",
	  .words = compression_words, .help = "gzip or none, for requests." },
	{ KEY("cloudwatch.auto_create", CHOICE, cloudwatch.auto_create), .preset = "true",
	  .words = switch_words, .help = "Create missing log groups and streams." },
	{ KEY("cloudwatch.retention_days", NUMBER, cloudwatch.retention_days),
	  .flags = SETTING_OPTIONAL, BETWEEN(1, 3653), .check = check_retention_days,
	  .help = "Retention of log groups that ringtail creates. Unset: for ever." },
	{ KEY("cloudwatch.tags", MAP, cloudwatch.tags), .check = check_tags,
	  .help = "Tags of log groups that ringtail creates." },
	{ KEY("cloudwatch.kms_key_id", TEXT, cloudwatch.kms_key_id),
	  .flags = SETTING_OPTIONAL, .most = 256,
	  .help = "ARN of the KMS key of log groups that ringtail creates." },
	{ KEY("cloudwatch.log_group_class", TEXT, cloudwatch.log_group_class), .most = 32,
	  .words = class_words, .flags = SETTING_OPTIONAL,
	  .help = "Class of log groups that ringtail creates: STANDARD, INFREQUENT_ACCESS or "
		  "DELIVERY." },
	{ KEY("cloudwatch.entity", CHOICE, cloudwatch.entity), .flags = SETTING_WITHOUT_EFFECT,
	  .preset = "false", .words = switch_words,
	  .help = "Send the EKS entity with each batch." },
	{ KEY("cloudwatch.fips", CHOICE, cloudwatch.fips), .preset = "false",
	  .words = switch_words, .help = "Use the FIPS endpoint." },
	{ KEY("cloudwatch.dualstack", CHOICE, cloudwatch.dualstack),
	  .preset = "false", .words = switch_words,
	  .help = "Use the endpoint with IPv4 and IPv6." },
	{ KEY("cloudwatch.proxy", TEXT, cloudwatch.proxy), .flags = SETTING_OPTIONAL, .most = 2048,
	  .check = check_proxy, .help = "HTTP proxy for AWS. Unset: HTTPS_PROXY and NO_PROXY." },
	{ KEY("cloudwatch.ca_file", TEXT, cloudwatch.ca_file), .flags = SETTING_OPTIONAL,
	  .most = 4095,
	  .help = "Certificates that AWS's are checked against. Unset: the system's." },
	{ KEY("cloudwatch.role_arn", TEXT, cloudwatch.role_arn),
	  .flags = SETTING_OPTIONAL | SETTING_WITHOUT_EFFECT, .most = 2048,
	  .help = "ARN of a role to assume for delivery." },
	{ KEY("cloudwatch.external_id", TEXT, cloudwatch.external_id),
	  .flags = SETTING_OPTIONAL | SETTING_WITHOUT_EFFECT, .most = 1224,
	  .help = "External id for that role." },

	{ KEY("listen", TEXT, listen), .flags = SETTING_WITHOUT_EFFECT, .preset = "127.0.0.1:9641",
	  .most = 64, .check = check_listen,
	  .help = "ADDRESS:PORT of /metrics, /healthz and /readyz." },
	{ KEY("control_socket", TEXT, control_socket), .flags = SETTING_WITHOUT_EFFECT,
	  .preset = "/run/ringtail/control.sock",
	  .most = 107, /* sun_path of unix(7), less its NUL */
	  .help = "Socket of ringtail status and ringtail top." },
	{ KEY("shutdown_timeout", DURATION, shutdown_timeout_ms), .preset = "20s", BETWEEN(0, HOUR),
	  .help = "At the end, what is in flight is delivered for at most this long." },
	{ KEY("log_level", CHOICE, log_level), .preset = "info", .words = level_words,
	  .help = "Which of its own messages ringtail writes to stderr: error, warning, info or "
		  "debug." },
	{ KEY("log_format", CHOICE, log_format), .preset = "text", .words = log_format_words,
	  .help = "Those messages as text or json." },
};

enum { COUNT = sizeof(table) / sizeof(table[0]) };

const struct setting *settings_table(size_t *ret_count)
{
	*ret_count = COUNT;
	return table;
}

size_t settings_table_index(const struct setting *setting)
{
	return (size_t)(setting - table);
}

const struct setting *settings_table_find(const char *name)
{
	for (size_t i = 0; i < COUNT; i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}

const struct setting *settings_table_find_flag(const char *name, size_t length)
{
	char flag[SETTING_NAME_SIZE];

	for (size_t i = 0; i < COUNT; i++) {
		setting_flag_name(&table[i], flag);
		if (strlen(flag) == length && memcmp(flag, name, length) == 0)
			return &table[i];
	}
	return NULL;
}

bool settings_table_is_section(const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < COUNT; i++)
		if (strncmp(table[i].name, name, length) == 0 && table[i].name[length] == '.')
			return true;
	return false;
}

const char *settings_table_nearest(const char *name)
{
	size_t best = SIZE_MAX;
	const char *nearest = NULL;

	for (size_t i = 0; i < COUNT; i++) {
		size_t distance = text_distance(name, table[i].name);

		if (distance < best) {
			best = distance;
			nearest = table[i].name;
		}
	}
	return text_is_near(name, best) ? nearest : NULL;
}

bool setting_is_switch(const struct setting *setting)
{
	return setting->words == switch_words || setting->words == toggle_words;
}

void setting_flag_name(const struct setting *setting, char ret[static SETTING_NAME_SIZE])
{
	snprintf(ret, SETTING_NAME_SIZE, "%s", setting->name);
	for (char *at = ret; *at; at++)
		if (*at == '.' || *at == '_')
			*at = '-';
}

void setting_variable_name(const struct setting *setting, char ret[static SETTING_NAME_SIZE])
{
	snprintf(ret, SETTING_NAME_SIZE, "RINGTAIL_%s", setting->name);
	for (char *at = ret; *at; at++)
		*at = *at == '.' ? '_' : (char)toupper((unsigned char)*at);
}
