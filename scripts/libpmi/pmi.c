/* libpmi.so: the C interface of PMI-1 over the wire that a launcher offers at PMI_FD (docs/spec/wire.md, section 6). Open MPI loads it
   by FLUX_PMI_LIBRARY_PATH; any program written for PMI-1 may link it. One request at a time, no threads, no memory of its own. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SUCCESS = 0, FAIL = -1, ERR_INIT = 1, ERR_INVALID_ARG = 3, ERR_INVALID_KEY = 4, ERR_INVALID_KEY_LENGTH = 5,
    ERR_INVALID_VAL = 6, ERR_INVALID_VAL_LENGTH = 7, ERR_INVALID_LENGTH = 8, ERR_INVALID_SIZE = 13
};

#define API __attribute__((visibility("default")))
#define LINE 4096

static struct {
    int fd, rank, size, open;
    int name_max, key_max, value_max;
    char name[LINE];
    /* The last answer, and what came behind it. */
    char line[LINE], rest[LINE];
    size_t held;
} pmi = { .fd = -1 };

/* Sends all of a line. */
static int say(const char *line, size_t length)
{
    while (length > 0) {
        ssize_t count = write(pmi.fd, line, length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return FAIL;
        line += count;
        length -= count;
    }
    return SUCCESS;
}

/* Reads the next line into pmi.line, without its end. */
static int hear(void)
{
    for (;;) {
        char *end = memchr(pmi.rest, '\n', pmi.held);
        if (end) {
            size_t length = end - pmi.rest;
            memcpy(pmi.line, pmi.rest, length);
            pmi.line[length] = 0;
            pmi.held -= length + 1;
            memmove(pmi.rest, end + 1, pmi.held);
            return SUCCESS;
        }
        if (pmi.held == sizeof pmi.rest)
            return FAIL;
        ssize_t count = read(pmi.fd, pmi.rest + pmi.held, sizeof pmi.rest - pmi.held);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return FAIL;
        pmi.held += count;
    }
}

/* Where the value of a word of the last answer begins; null when there is no such word. A value may hold what looks like one. */
static const char *word(const char *name)
{
    size_t length = strlen(name);
    for (const char *at = pmi.line; at && *at; at = strchr(at, ' ')) {
        at += strspn(at, " ");
        if (strncmp(at, name, length) == 0 && at[length] == '=')
            return at + length + 1;
        if (strncmp(at, "value=", 6) == 0 || strncmp(at, "msg=", 4) == 0)
            break;
    }
    return NULL;
}

static int number(const char *name, int otherwise)
{
    const char *text = word(name);
    return text ? atoi(text) : otherwise;
}

/* Sends a request and waits for its answer: SUCCESS, or the server's own code. */
static int ask(const char *answer, const char *format, ...)
{
    char request[LINE];
    va_list words;
    if (!pmi.open)
        return ERR_INIT;
    va_start(words, format);
    int length = vsnprintf(request, sizeof request, format, words);
    va_end(words);
    if (length < 0 || length >= (int)sizeof request)
        return ERR_INVALID_LENGTH;
    if (say(request, length) || hear())
        return FAIL;
    const char *command = word("cmd");
    size_t expected = strlen(answer);
    if (!command || strncmp(command, answer, expected) || (command[expected] && command[expected] != ' '))
        return FAIL;
    return number("rc", 0);
}

static int copy(const char *from, size_t length, char *to, int room)
{
    if (!to)
        return ERR_INVALID_ARG;
    if (room <= (int)length)
        return ERR_INVALID_LENGTH;
    memcpy(to, from, length);
    to[length] = 0;
    return SUCCESS;
}

static int give(int value, int *to)
{
    if (!pmi.open)
        return ERR_INIT;
    if (!to)
        return ERR_INVALID_ARG;
    *to = value;
    return SUCCESS;
}

API int PMI_Init(int *spawned)
{
    const char *fd = getenv("PMI_FD"), *rank = getenv("PMI_RANK"), *size = getenv("PMI_SIZE");
    if (spawned)
        *spawned = 0;
    if (pmi.open)
        return SUCCESS;
    if (!fd || !rank || !size)
        return FAIL;
    pmi.fd = atoi(fd);
    pmi.rank = atoi(rank);
    pmi.size = atoi(size);
    pmi.held = 0;
    pmi.open = 1;
    if (ask("response_to_init", "cmd=init pmi_version=1 pmi_subversion=1\n") || ask("maxes", "cmd=get_maxes\n"))
        return pmi.open = 0, FAIL;
    pmi.name_max = number("kvsname_max", 64);
    pmi.key_max = number("keylen_max", 64);
    pmi.value_max = number("vallen_max", 512);
    if (ask("my_kvsname", "cmd=get_my_kvsname\n") || !word("kvsname"))
        return pmi.open = 0, FAIL;
    const char *name = word("kvsname");
    return copy(name, strcspn(name, " "), pmi.name, sizeof pmi.name);
}

API int PMI_Initialized(int *yes)
{
    if (!yes)
        return ERR_INVALID_ARG;
    *yes = pmi.open;
    return SUCCESS;
}

API int PMI_Finalize(void)
{
    int rc = ask("finalize_ack", "cmd=finalize\n");
    pmi.open = 0;
    return rc;
}

API int PMI_Abort(int code, const char text[])
{
    char request[LINE];
    int length = snprintf(request, sizeof request, "cmd=abort exitcode=%d%s%.1000s\n", code, text && *text ? " error_msg=" : "",
                          text ? text : "");
    for (int i = 0; i < length - 1; i++)
        if (request[i] == '\n')
            request[i] = ' ';
    if (pmi.open)
        say(request, length);
    exit(code);
}

API int PMI_Get_rank(int *rank) { return give(pmi.rank, rank); }
API int PMI_Get_size(int *size) { return give(pmi.size, size); }

API int PMI_Get_universe_size(int *size)
{
    int rc = ask("universe_size", "cmd=get_universe_size\n");
    return rc ? rc : give(number("size", pmi.size), size);
}

API int PMI_Get_appnum(int *appnum)
{
    int rc = ask("appnum", "cmd=get_appnum\n");
    return rc ? rc : give(number("appnum", 0), appnum);
}

API int PMI_Barrier(void) { return ask("barrier_out", "cmd=barrier_in\n"); }

API int PMI_KVS_Get_name_length_max(int *length) { return give(pmi.name_max, length); }
API int PMI_KVS_Get_key_length_max(int *length) { return give(pmi.key_max, length); }
API int PMI_KVS_Get_value_length_max(int *length) { return give(pmi.value_max, length); }
API int PMI_Get_id_length_max(int *length) { return give(pmi.name_max, length); }

API int PMI_KVS_Get_my_name(char name[], int room)
{
    return pmi.open ? copy(pmi.name, strlen(pmi.name), name, room) : ERR_INIT;
}

API int PMI_Get_id(char id[], int room) { return PMI_KVS_Get_my_name(id, room); }
API int PMI_Get_kvs_domain_id(char id[], int room) { return PMI_KVS_Get_my_name(id, room); }

API int PMI_KVS_Put(const char name[], const char key[], const char value[])
{
    if (!name || !key || !value)
        return ERR_INVALID_ARG;
    if (!*key || strpbrk(key, " \n"))
        return ERR_INVALID_KEY;
    if (strlen(key) > (size_t)pmi.key_max)
        return ERR_INVALID_KEY_LENGTH;
    if (strchr(value, '\n'))
        return ERR_INVALID_VAL;
    if (strlen(value) > (size_t)pmi.value_max)
        return ERR_INVALID_VAL_LENGTH;
    return ask("put_result", "cmd=put kvsname=%s key=%s value=%s\n", name, key, value);
}

/* What was put goes to the others with the next barrier. */
API int PMI_KVS_Commit(const char name[]) { return !pmi.open ? ERR_INIT : name ? SUCCESS : ERR_INVALID_ARG; }

API int PMI_KVS_Get(const char name[], const char key[], char value[], int room)
{
    if (!name || !key)
        return ERR_INVALID_ARG;
    if (!*key || strpbrk(key, " \n"))
        return ERR_INVALID_KEY;
    int rc = ask("get_result", "cmd=get kvsname=%s key=%s\n", name, key);
    const char *text = word("value");
    if (rc || !text)
        return rc == ERR_INIT ? rc : ERR_INVALID_KEY;
    return copy(text, strlen(text), value, room);
}

/* Calls the ranks of one node after the other: those of the process's own node go into `ranks` (up to `room`), and are counted. The map is
   (vector,(first node,nodes,tasks on each),...), gone through again until every rank has its node. -1 without such a map. */
static int clique(int ranks[], int room)
{
    char map[LINE];
    int count = 0, own = -1;
    if (PMI_KVS_Get(pmi.name, "PMI_process_mapping", map, sizeof map) || strncmp(map, "(vector,", 8))
        return -1;
    for (int pass = 0; pass < 2; pass++) {
        const char *at = map + 8;
        int rank = 0, first, nodes, tasks, used;
        while (rank < pmi.size) {
            if (sscanf(at, "(%d,%d,%d)%n", &first, &nodes, &tasks, &used) != 3 || nodes < 1 || tasks < 1)
                return -1;
            for (int i = 0; i < nodes * tasks && rank < pmi.size; i++, rank++) {
                if (pass == 0 && rank == pmi.rank)
                    own = first + i / tasks;
                if (pass == 1 && first + i / tasks == own && count++ < room)
                    ranks[count - 1] = rank;
            }
            at += used;
            at = *at == ',' ? at + 1 : map + 8;
        }
    }
    return count;
}

/* Without a map every process is on a node of its own. */
API int PMI_Get_clique_size(int *size)
{
    int count = pmi.open ? clique(NULL, 0) : 0;
    return give(count < 0 ? 1 : count, size);
}

API int PMI_Get_clique_ranks(int ranks[], int room)
{
    if (!pmi.open)
        return ERR_INIT;
    if (!ranks)
        return ERR_INVALID_ARG;
    int count = clique(ranks, room);
    if (count < 0 && room > 0)
        ranks[0] = pmi.rank, count = 1;
    return count < 0 || count > room ? ERR_INVALID_SIZE : SUCCESS;
}

API int PMI_Publish_name(const char service[], const char port[]) { return (void)service, (void)port, FAIL; }
API int PMI_Unpublish_name(const char service[]) { return (void)service, FAIL; }
API int PMI_Lookup_name(const char service[], char port[]) { return (void)service, (void)port, FAIL; }

API int PMI_Spawn_multiple(int count, const char *commands[], const char **argvs[], const int processes[], const int sizes[],
                           const void *infos[], int preput_count, const void *preputs, int errors[])
{
    (void)count, (void)commands, (void)argvs, (void)processes, (void)sizes, (void)infos, (void)preput_count, (void)preputs;
    return (void)errors, FAIL;
}
