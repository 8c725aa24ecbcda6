/*
 * The job's body for engines that start a process a build (ninja, make): the bytes of job.ts.
 *
 *     body silver    LOG OUT SOURCE          the source without white space
 *     body gold      LOG OUT SILVER          {"total":sum of values, …silver}
 *     body canonical LOG OUT M MAPPING GOLD… {"m":M,"rows":[[id,code,rules[code],total],…]}
 *
 * KEEP=1 in the environment leaves OUT untouched when its content would not change.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *slurp(const char *path, long *length) {
  FILE *file = fopen(path, "rb");
  if (!file) { perror(path); exit(1); }
  fseek(file, 0, SEEK_END);
  *length = ftell(file);
  rewind(file);
  char *bytes = malloc(*length + 1);
  if (fread(bytes, 1, *length, file) != (size_t)*length) exit(1);
  bytes[*length] = 0;
  fclose(file);
  return bytes;
}

static long minify(char *bytes, long length) {
  long out = 0;
  int in_string = 0;
  for (long at = 0; at < length; at++) {
    char c = bytes[at];
    if (in_string) {
      bytes[out++] = c;
      if (c == '\\') bytes[out++] = bytes[++at];
      else if (c == '"') in_string = 0;
    } else if (c != ' ' && c != '\n' && c != '\t' && c != '\r') {
      in_string = c == '"';
      bytes[out++] = c;
    }
  }
  bytes[out] = 0;
  return out;
}

static void put(const char *path, const char *bytes, long length) {
  if (getenv("KEEP") && access(path, R_OK) == 0) {
    long size;
    char *old = slurp(path, &size);
    if (size == length && memcmp(old, bytes, length) == 0) return;
  }
  FILE *file = fopen(path, "wb");
  if (!file) { perror(path); exit(1); }
  fwrite(bytes, 1, length, file);
  fclose(file);
}

/* The text after "key":" up to the next quote, in minified JSON. */
static void text_after(const char *json, const char *key, char *to, size_t size) {
  const char *at = strstr(json, key);
  if (!at) exit(2);
  size_t length = 0;
  for (at += strlen(key); *at && *at != '"' && length < size - 1; at++) to[length++] = *at;
  to[length] = 0;
}

static void log_build(const char *path, const char *asset, const char *out) {
  char line[300];
  int length = snprintf(line, sizeof line, "%s %s\n", asset, out);
  int log = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (log < 0 || write(log, line, length) != length) exit(1);
  close(log);
}

static void gold(const char *out, const char *in) {
  long length, total = 0;
  char *silver = slurp(in, &length);
  char *at = strstr(silver, "\"values\":[");
  if (!at) exit(2);
  for (at += 10;; at++) {
    total += strtol(at, &at, 10);
    if (*at != ',') break;
  }
  char *bytes = malloc(length + 64);
  int head = sprintf(bytes, "{\"total\":%ld,", total);
  memcpy(bytes + head, silver + 1, length - 1);
  put(out, bytes, length + head - 1);
}

static void canonical(int count, char **words) {
  long length;
  char *mapping = slurp(words[5], &length);
  minify(mapping, length);
  const char *rules = strstr(mapping, "\"rules\":");
  char *bytes = malloc(1 << 20);
  long end = sprintf(bytes, "{\"m\":%s,\"rows\":[", words[4]);
  for (int at = 6; at < count; at++) {
    char code[64], key[80], to[200];
    char *row = slurp(words[at], &length);
    text_after(row, "\"code\":\"", code, sizeof code);
    snprintf(key, sizeof key, "\"%s\":\"", code);
    text_after(rules, key, to, sizeof to);
    long id = atol(strstr(row, "\"id\":") + 5), total = atol(strstr(row, "\"total\":") + 8);
    end += sprintf(bytes + end, "%s[%ld,\"%s\",\"%s\",%ld]", at > 6 ? "," : "", id, code, to, total);
  }
  end += sprintf(bytes + end, "]}");
  put(words[3], bytes, end);
}

int main(int count, char **words) {
  if (count < 5) return 2;
  log_build(words[2], words[1], words[3]);
  if (!strcmp(words[1], "silver")) {
    long length;
    char *source = slurp(words[4], &length);
    put(words[3], source, minify(source, length));
  } else if (!strcmp(words[1], "gold")) {
    gold(words[3], words[4]);
  } else {
    canonical(count, words);
  }
  return 0;
}
