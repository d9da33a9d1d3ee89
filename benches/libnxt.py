"""CPU time of the benchmarks in Unit's own C tests, with libnxt and with the original.

usage: libnxt.py [--rounds N] [--only PATTERN] UNIT [LIBNXT.A]

UNIT is a source tree of Unit 1.35.0 with `./configure --tests` and `make` done. Its test programs are
compiled against include/ and linked with LIBNXT.A, or build/lib/libnxt.a, and once more against UNIT.
Both run in turn; what is shown is the least CPU time of each in milliseconds, and the ratio.
"""

import argparse
import pathlib
import re
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent

# What a benchmark is, and how often it runs.
BENCHMARKS = {
    'lvlhsh, 1000, pool': ('nxt_lvlhsh_test(thr, 1000, 1)', 200),
    'lvlhsh, 1000, heap': ('nxt_lvlhsh_test(thr, 1000, 0)', 200),
    'lvlhsh, 100000, pool': ('nxt_lvlhsh_test(thr, 100000, 1)', 3),
    'lvlhsh, 100000, heap': ('nxt_lvlhsh_test(thr, 100000, 0)', 3),
    'lvlhsh, 1000000, pool': ('nxt_lvlhsh_test(thr, 1000000, 1)', 1),
    'lvlhsh, 1000000, heap': ('nxt_lvlhsh_test(thr, 1000000, 0)', 1),
    'rbtree, 1000': ('nxt_rbtree_test(thr, 1000)', 200),
    'rbtree, 100000': ('nxt_rbtree_test(thr, 100000)', 3),
    'rbtree, 1000000': ('nxt_rbtree_test(thr, 1000000)', 1),
    'mp, to 127': ('nxt_mp_test(thr, 100, 40000, 127)', 1),
    'mp, to 4095': ('nxt_mp_test(thr, 100, 1000, 4095)', 10),
    'mp, to 65535': ('nxt_mp_test(thr, 1000, 100, 65535)', 5),
    'mem zone, to 127': ('nxt_mem_zone_test(thr, 100, 20000, 127)', 1),
    'mem zone, to 4095': ('nxt_mem_zone_test(thr, 100, 10000, 4095)', 1),
    'HTTP parser, simple': ('http_bench(thr, &nxt_http_test_simple_request, 1000000)', 1),
    'HTTP parser, big': ('http_bench(thr, &nxt_http_test_big_request, 100000)', 1),
}

# The parser's test is included for its requests and its loop.
DRIVER = '''
#include "nxt_http_parse_test.c"
#include <time.h>

extern char  **environ;

nxt_module_init_t  nxt_init_modules[1];
nxt_uint_t         nxt_init_modules_n;

static nxt_lvlhsh_t  fields;

static double now(void)
{
    struct timespec  time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static nxt_int_t http_bench(nxt_thread_t *thr, nxt_str_t *request, nxt_uint_t runs)
{
    return nxt_http_parse_test_bench(thr, request, &fields, "", runs);
}

#define RUN(name, test, runs)                                                 \\
    if (strcmp(name, wanted) == 0) {                                          \\
        double  start = now();                                                \\
        for (int i = 0; i < (runs); i++) {                                    \\
            if ((test) != NXT_OK) { return 1; }                               \\
        }                                                                     \\
        printf("%%f\\n", now() - start);                                      \\
    }

int main(int argc, char **argv)
{
    char          wanted[64] = "";
    nxt_task_t    task;
    nxt_thread_t  *thr;

    /* Before the start, which lets the process title have argv's memory. */
    strncpy(wanted, argv[1], sizeof(wanted) - 1);

    if (nxt_lib_start("tests", argv, &environ) != NXT_OK) { return 1; }

    nxt_main_log.level = NXT_LOG_ERR;
    task.log = &nxt_main_log;
    thr = nxt_thread();
    thr->task = &task;

    if (nxt_http_fields_hash(&fields, nxt_http_test_bench_fields,
                             nxt_nitems(nxt_http_test_bench_fields)) != NXT_OK) { return 1; }
%s
    return 0;
}
'''

TESTS = ['rbtree_test', 'mp_test', 'mem_zone_test', 'lvlhsh_test']


def system_libraries():
    """Those that there are; the linker takes what each libnxt needs."""
    found = ['-Wl,--as-needed']
    for package in ['libpcre2-8', 'openssl', 'zlib', 'libzstd', 'libbrotlienc']:
        flags = subprocess.run(['pkg-config', '--libs', package], capture_output=True, text=True)
        found += flags.stdout.split()
    return [*found, '-lpthread', '-ldl', '-lm']


def program(folder, name, unit, includes, library):
    runs = ''.join(f'    RUN("{title}", {test}, {runs})\n' for title, (test, runs) in BENCHMARKS.items())
    driver = folder / 'driver.c'
    driver.write_text(DRIVER % runs)
    tests = unit / 'src' / 'test'
    sources = [driver, *(tests / f'nxt_{test}.c' for test in TESTS)]
    output = folder / name
    subprocess.run(['cc', '-O2', '-w', '-fPIC', '-funsigned-char', *(f'-I{path}' for path in includes), f'-I{tests}',
                    '-o', output, *sources, library, *system_libraries()], check=True)
    return output


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--only', default='', help='a regular expression for names of benchmarks')
    parser.add_argument('unit', type=pathlib.Path)
    parser.add_argument('library', type=pathlib.Path, nargs='?', default=ROOT / 'build' / 'lib' / 'libnxt.a')
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder, unit = pathlib.Path(folder), options.unit.resolve()
        programs = {
            'Unit': program(folder, 'unit', unit, [unit / 'src', unit / 'build' / 'include'],
                            unit / 'build' / 'lib' / 'libnxt.a'),
            'nxt': program(folder, 'nxt', unit, [ROOT / 'include'], options.library.resolve()),
        }
        for title in BENCHMARKS:
            if not re.search(options.only, title):
                continue
            least = dict.fromkeys(programs, float('inf'))
            for _ in range(options.rounds):
                for name, path in programs.items():
                    answer = subprocess.run([path, title], capture_output=True, text=True, check=True)
                    least[name] = min(least[name], float(answer.stdout))
            print(f'{title:24} Unit {least["Unit"]:9.2f}  nxt {least["nxt"]:9.2f}  {least["nxt"] / least["Unit"]:.2f}',
                  flush=True)


if __name__ == '__main__':
    main()
