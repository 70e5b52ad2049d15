/* SPDX-License-Identifier: Apache-2.0 */
#include "control/settings_input.h"

#include <errno.h>
#include <string.h>

#include <jansson.h>

#include "control/text.h"

static void release_list(struct text_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct text_list){ 0 };
}

static void release_map(struct text_map *map)
{
	for (size_t i = 0; i < map->count; i++) {
		free(map->keys[i]);
		free(map->values[i]);
	}
	free(map->keys);
	free(map->values);
	*map = (struct text_map){ 0 };
}

void setting_input_release(struct setting_input *input)
{
	free(input->text);
	input->text = NULL;
	release_list(&input->items);
	release_map(&input->pairs);
}

/* Makes room for one text more and a NULL behind it. */
static int grow(char ***texts, size_t count)
{
	char **larger = reallocarray(*texts, count + 2, sizeof(**texts));

	if (!larger)
		return -ENOMEM;
	larger[count] = larger[count + 1] = NULL;
	*texts = larger;
	return 0;
}

int setting_input_add_item(struct setting_input *input, const char *item, size_t length,
			   char **ret_what)
{
	struct text_list *list = &input->items;
	char *copy;
	int r;

	if (length == 0)
		return text_complain(ret_what,
				     "holds an empty element; give it a value or remove it");
	if (list->count >= SETTING_MOST_ITEMS)
		return text_complain(ret_what, "holds more than %d elements; give fewer",
				     SETTING_MOST_ITEMS);
	r = grow(&list->items, list->count);
	if (r < 0)
		return r;
	copy = strndup(item, length);
	if (!copy)
		return -ENOMEM;
	list->items[list->count++] = copy;
	return 0;
}

static bool has_key(const struct text_map *map, const char *key, size_t length)
{
	for (size_t i = 0; i < map->count; i++)
		if (strlen(map->keys[i]) == length && memcmp(map->keys[i], key, length) == 0)
			return true;
	return false;
}

int setting_input_add_pair(struct setting_input *input, const char *key, size_t key_length,
			   const char *value, size_t value_length, char **ret_what)
{
	struct text_map *map = &input->pairs;
	_cleanup_free_ char *key_copy = NULL, *value_copy = NULL;
	char shown[TEXT_SHOWN_SIZE];

	if (key_length == 0)
		return text_complain(ret_what, "holds an empty key; give it a name or remove it");
	if (map->count >= SETTING_MOST_ITEMS)
		return text_complain(ret_what, "holds more than %d elements; give fewer",
				     SETTING_MOST_ITEMS);
	key_copy = strndup(key, key_length);
	value_copy = strndup(value, value_length);
	if (!key_copy || !value_copy || grow(&map->keys, map->count) < 0 ||
	    grow(&map->values, map->count) < 0)
		return -ENOMEM;
	if (has_key(map, key_copy, key_length)) {
		text_show(key_copy, shown);
		return text_complain(ret_what, "holds \"%s\" twice; remove one", shown);
	}
	map->keys[map->count] = TAKE_PTR(key_copy);
	map->values[map->count++] = TAKE_PTR(value_copy);
	return 0;
}

/* The next piece of comma-separated text without the blanks around it; false at the end. */
static bool next_piece(const char **at, const char **ret, size_t *ret_length)
{
	const char *begin = *at, *end;

	if (!begin)
		return false;
	end = strchrnul(begin, ',');
	*at = *end ? end + 1 : NULL;
	begin += strspn(begin, " ");
	while (end > begin && end[-1] == ' ')
		end--;
	*ret = begin;
	*ret_length = begin < end ? (size_t)(end - begin) : 0;
	return true;
}

static int add_list(const char *text, struct setting_input *input, char **ret_what)
{
	const char *at = *text ? text : NULL, *piece;
	size_t length;
	int r = 0;

	while (r == 0 && next_piece(&at, &piece, &length))
		r = setting_input_add_item(input, piece, length, ret_what);
	return r;
}

static int add_map(const char *text, struct setting_input *input, char **ret_what)
{
	const char *at = *text ? text : NULL, *piece;
	size_t length;
	int r = 0;

	while (r == 0 && next_piece(&at, &piece, &length)) {
		const char *equals = memchr(piece, '=', length);
		size_t key_length;

		if (!equals)
			return text_complain(ret_what, "is not a map; give KEY=VALUE,KEY=VALUE");
		key_length = (size_t)(equals - piece);
		r = setting_input_add_pair(input, piece, key_length, equals + 1,
					   length - key_length - 1, ret_what);
	}
	return r;
}

static int add_json(const char *text, struct setting_input *input, char **ret_what)
{
	json_t *before = json_loads(input->text ? input->text : "[]", 0, NULL), *added;
	json_error_t error = { 0 };
	char shown[TEXT_SHOWN_SIZE];
	char *joined = NULL;
	int r = 0;

	added = json_loads(*text ? text : "[]", JSON_REJECT_DUPLICATES, &error);
	text_show(error.text, shown);
	if (!added)
		r = text_complain(ret_what,
				  "is not JSON (%s, column %d); give a JSON array of rules", shown,
				  error.column);
	else if (!json_is_array(added))
		r = text_complain(ret_what, "is not a JSON array; put the rules into [ ]");
	else if (!before || json_array_extend(before, added) < 0 ||
		 !(joined = json_dumps(before, JSON_COMPACT)))
		r = -ENOMEM;
	json_decref(before);
	json_decref(added);
	if (r < 0)
		return r;
	free(input->text);
	input->text = joined;
	return 0;
}

int setting_input_add_text(const struct setting *setting, const char *text,
			   struct setting_input *input, char **ret_what)
{
	char *copy;

	/* Before it is split, as jansson quotes what it does not like. */
	if (!text_is_clean(text, setting->type == SETTING_JSON))
		return text_complain(
			ret_what,
			"holds control characters or bytes that are not UTF-8; remove them");
	if (setting->type == SETTING_LIST)
		return add_list(text, input, ret_what);
	if (setting->type == SETTING_MAP)
		return add_map(text, input, ret_what);
	if (setting->type == SETTING_JSON)
		return add_json(text, input, ret_what);
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	free(input->text);
	input->text = copy;
	return 0;
}
