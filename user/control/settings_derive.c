/* SPDX-License-Identifier: Apache-2.0 */
#include "control/settings_derive.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "control/text.h"

#define SERVICE_ACCOUNT_TOKEN "/var/run/secrets/kubernetes.io/serviceaccount/token"

const char *environment_get(char *const *environment, const char *name)
{
	size_t length = strlen(name);

	for (; environment && *environment; environment++)
		if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
			return (*environment)[length + 1] ? *environment + length + 1 : NULL;
	return NULL;
}

static bool inside_kubernetes(char *const *environment)
{
	return environment_get(environment, "KUBERNETES_SERVICE_HOST") ||
	       access(SERVICE_ACCOUNT_TOKEN, F_OK) == 0;
}

static int derive_sink(struct settings *settings, enum settings_user user)
{
	if (!settings->sink)
		settings->sink = strdup(
			user == SETTINGS_RUN || user == SETTINGS_TAP ? "stdout" : "cloudwatch");
	if (!settings->sink)
		return -ENOMEM;
	if (strcmp(settings->sink, "cloudwatch") == 0) {
		settings->sink_kind = SINK_CLOUDWATCH;
		return 0;
	}
	if (strcmp(settings->sink, "stdout") == 0) {
		settings->sink_kind = SINK_STDOUT;
		return 0;
	}
	settings->sink_kind = SINK_FILE;
	settings->sink_path = strdup(settings->sink + strlen("file:"));
	return settings->sink_path ? 0 : -ENOMEM;
}

/* `run` has names of its own and never demands a cluster; `tap` delivers nothing. */
static int derive_cluster(struct settings *settings, const char *file, enum settings_user user,
			  char **ret_error)
{
	char shown[TEXT_SHOWN_SIZE];

	if (settings->cluster)
		return 0;
	if (settings->sink_kind == SINK_CLOUDWATCH && user == SETTINGS_SHOW)
		return 0;
	if (settings->sink_kind == SINK_CLOUDWATCH && user == SETTINGS_AGENT) {
		text_show(file, shown);
		return text_complain(
			ret_error,
			"cluster: missing, the sink cloudwatch needs it; give --cluster, the "
			"variable CLUSTER_NAME, or cluster: in %s",
			shown);
	}
	settings->cluster = strdup("local");
	return settings->cluster ? 0 : -ENOMEM;
}

/* A pod's hostname is the pod's name: to take it for the node's would misname every event. */
static int derive_node(struct settings *settings, char *const *environment, enum settings_user user,
		       char **ret_error)
{
	char hostname[HOST_NAME_MAX + 1] = "";

	if (settings->node)
		return 0;
	if (!inside_kubernetes(environment)) {
		if (gethostname(hostname, sizeof(hostname) - 1) < 0)
			return -errno;
		settings->node = strdup(hostname);
		return settings->node ? 0 : -ENOMEM;
	}
	if (user != SETTINGS_AGENT)
		return 0;
	return text_complain(
		ret_error,
		"node: not known inside Kubernetes; set the variable NODE_NAME from the field "
		"spec.nodeName, or give --node");
}

static int derive_node_ip(struct settings *settings, char *const *environment, char **ret_error)
{
	const char *address = environment_get(environment, "NODE_IP");
	struct in6_addr unused;

	if (!address)
		return 0;
	if (inet_pton(AF_INET, address, &unused) != 1 && inet_pton(AF_INET6, address, &unused) != 1)
		return text_complain(
			ret_error, "environment NODE_IP: not an IP address; set it from the field "
				   "status.hostIP, or unset it");
	settings->node_ip = strdup(address);
	return settings->node_ip ? 0 : -ENOMEM;
}

static void round_up_ring(struct settings *settings)
{
	uint64_t size = 1;

	while (size < settings->capture.ring_size)
		size *= 2;
	settings->capture.ring_size = size;
}

int settings_derive(struct settings *settings, char *const *environment, const char *file,
		    enum settings_user user, char **ret_error)
{
	int r = derive_sink(settings, user);

	if (r == 0)
		r = derive_cluster(settings, file, user, ret_error);
	if (r == 0)
		r = derive_node(settings, environment, user, ret_error);
	if (r == 0)
		r = derive_node_ip(settings, environment, ret_error);
	round_up_ring(settings);
	return r;
}

int settings_kubelet_url(const struct settings *settings, char **ret)
{
	const char *token = settings->kubelet.token_file;
	bool has_token = token && access(token, F_OK) == 0;
	const char *host = settings->node_ip ? settings->node_ip : settings->node;
	char *url = NULL;
	int length = 0;

	if (settings->kubelet.enabled == TOGGLE_OFF ||
	    (settings->kubelet.enabled == TOGGLE_AUTO && !settings->kubelet.url && !has_token))
		length = 0;
	else if (settings->kubelet.url)
		length = asprintf(&url, "%s", settings->kubelet.url);
	else if (host)
		length = asprintf(
			&url, strchr(host, ':') ? "https://[%s]:10250" : "https://%s:10250", host);
	if (length < 0)
		return -ENOMEM;
	*ret = url;
	return 0;
}
