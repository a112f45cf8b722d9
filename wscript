# Build description for waf; `./waf configure build` is all that is needed (see README).
import os, sys
sys.path.insert(0, os.path.join(os.getcwd(), 'build-tools'))
sys.dont_write_bytecode = True

APPNAME = 'daxsmbd'
VERSION = '0.1.0'
top = '.'
out = 'build'

# A room may include its own headers and those of the rooms listed (docs/architecture.md, "Rooms").
ROOMS = {
    'core':   [],
    'wire':   ['core'],
    'conf':   ['core', 'wire'],
    'auth':   ['core', 'wire'],
    'vfs':    ['core', 'wire'],
    'rdma':   ['core', 'wire'],
    'smbd':   ['core', 'wire', 'conf', 'auth', 'vfs', 'rdma'],
    'client': ['core', 'wire', 'auth', 'rdma'],
    'ctl':    ['core', 'wire', 'conf', 'auth'],
}
# The order in which static libraries are linked: users before what they use.
LINK_ORDER = ['smbd', 'client', 'ctl', 'rdma', 'vfs', 'auth', 'conf', 'wire', 'core']
# One binary each: its main is the file named here and belongs to no library.
BINARIES = {
    'daxsmbd':   ('smbd/main.c', 'smbd'),
    'daxsmbctl': ('ctl/main.c', 'ctl'),
    'daxsmb':    ('client/main.c', 'client'),
}
PACKAGES = {  # pkg-config name: minimum version
    'talloc': '2.3.0', 'tevent': '0.11.0', 'gnutls': '3.7.0', 'nettle': '3.8', 'libtasn1': '4.16',
    'libpmem': '1.10', 'libisal': '2.30.0', 'libcap-ng': '0.8', 'libsystemd': '247', 'cmocka': '1.1.5',
}
WARNINGS = ('-Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wundef '
            '-Wwrite-strings -Wformat=2 -Wvla -Wno-unused-parameter -Wno-sign-compare '
            '-Wno-missing-field-initializers').split()
HARDENING = '-fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE -fno-strict-aliasing -fstack-clash-protection'.split()


def options(opt):
    opt.load('compiler_c')
    g = opt.add_option_group('daxsmbd builds')
    g.add_option('--asan', action='store_true', help='address and undefined-behaviour sanitizers')
    g.add_option('--tsan', action='store_true', help='thread sanitizer')
    g.add_option('--fuzz', action='store_true', help='clang, libFuzzer and sanitizers; builds tests/fuzz')
    g.add_option('--coverage', action='store_true', help='gcov instrumentation')
    g.add_option('--debug', action='store_true', help='no optimisation')
    g.add_option('--sysconfdir', default='/etc/daxsmbd', help='folder of daxsmb.conf [%default]')
    g.add_option('--localstatedir', default='/var', help='parent of lib/, log/ and cache/ [%default]')
    g.add_option('--rundir', default='/run/daxsmbd', help='default pid directory [%default]')


def configure(conf):
    o = conf.options
    if o.fuzz:
        conf.find_program('clang', var='CC')
        conf.env.CC_NAME = 'clang'
    conf.load('compiler_c')
    for name, version in PACKAGES.items():
        conf.check_cfg(package=name, args=[f'{name} >= {version}', '--cflags', '--libs'],
                       uselib_store=name.upper().replace('-', '_'))
    conf.check_cc(lib='pthread', uselib_store='PTHREAD')
    conf.find_program('asn1Parser', var='ASN1PARSER')
    env = conf.env
    env.FUZZ, env.SANITIZED = bool(o.fuzz), bool(o.asan or o.tsan or o.fuzz)
    env.CFLAGS += ['-std=gnu11', '-g', '-pthread', '-D_GNU_SOURCE', '-DHAVE_CONFIG_H=1'] + WARNINGS
    env.LINKFLAGS += ['-pthread']
    env.INCLUDES += [conf.path.abspath(), conf.path.get_bld().abspath()]
    if o.asan or o.fuzz:
        flags = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-fno-omit-frame-pointer', '-O1']
        env.CFLAGS += flags + (['-fsanitize=fuzzer-no-link'] if o.fuzz else [])
        env.LINKFLAGS += flags
    elif o.tsan:
        flags = ['-fsanitize=thread', '-fno-omit-frame-pointer', '-O1']
        env.CFLAGS += flags
        env.LINKFLAGS += flags
    elif o.debug or o.coverage:
        env.CFLAGS += ['-O0']
    else:
        env.CFLAGS += ['-O2'] + HARDENING
        env.LINKFLAGS += ['-pie', '-Wl,-z,relro,-z,now', '-Wl,-z,noexecstack', '-Wl,--as-needed']
    if o.coverage:
        env.CFLAGS += ['--coverage']
        env.LINKFLAGS += ['--coverage']
    env.SYSCONFDIR, env.VERSION = o.sysconfdir, VERSION
    conf.define('DAXSMBD_VERSION', VERSION)
    conf.define('DAXSMBD_SYSCONFDIR', o.sysconfdir)
    conf.define('DAXSMBD_LOCALSTATEDIR', o.localstatedir)
    conf.define('DAXSMBD_RUNDIR', o.rundir)
    conf.write_config_header('config.h')


BUILT = set()  # rooms that have sources
LIBS = [n.upper().replace('-', '_') for n in PACKAGES if n != 'cmocka'] + ['PTHREAD']


def build(bld):
    import include_check
    include_check.run(bld.path.abspath(), ROOMS)

    asn1 = bld.path.find_node('auth/spnego.asn')
    if asn1:
        bld(rule='${ASN1PARSER} -o ${TGT} -n spnego_asn1_tab ${SRC} >/dev/null', source=asn1,
            target='auth/spnego_asn1_tab.c', name='spnego_asn1')
        bld.add_group()
    for room in ROOMS:
        mains = {main for main, _ in BINARIES.values()}
        src = [s for s in bld.path.ant_glob(f'{room}/**/*.c') if s.path_from(bld.path) not in mains]
        if room == 'auth' and asn1:
            src.append(bld.path.find_or_declare('auth/spnego_asn1_tab.c'))
        if not src:
            continue
        BUILT.add(room)
        bld.stlib(source=src, target=f'{room}/{room}', name=f'room_{room}', use=LIBS)
    bld.add_group()
    for name, (main, room) in BINARIES.items():
        if not bld.path.find_node(main):
            continue
        bld.program(source=main, target=f'bin/{name}', use=rooms_for(room) + LIBS, install_path='${BINDIR}' if
                    name != 'daxsmbd' else '${PREFIX}/sbin')
    if bld.env.FUZZ:
        for src in bld.path.ant_glob('tests/fuzz/fuzz_*.c'):
            name = os.path.splitext(src.name)[0]
            bld.program(source=[src], target=f'fuzz/{name}', use=rooms_for(*ROOMS) + LIBS,
                        linkflags=['-fsanitize=fuzzer'], install_path=None)
    else:
        for src in bld.path.ant_glob('tests/unit/test_*.c'):
            name = os.path.splitext(src.name)[0]
            bld.program(source=[src], target=f'unit/{name}', use=rooms_for(*ROOMS) + LIBS + ['CMOCKA'],
                        install_path=None)
        for src in bld.path.ant_glob('tests/vm/*.c'):
            name = os.path.splitext(src.name)[0]
            bld.program(source=[src], target=f'vm/{name}', use=rooms_for(*ROOMS) + LIBS, install_path=None)
        # To be preloaded: the flags of programs, and the sanitizers, are not for it.
        bld(rule='${CC} ' + ' '.join(WARNINGS) + ' -std=gnu11 -D_GNU_SOURCE -g -O2 -fPIC -shared -pthread -o ${TGT} ${SRC}',
            source='tests/shadow/shadow.c', target='shadow/shadow.so')
    if bld.path.find_node('build-tools/install.py'):
        import install
        install.run(bld)


def rooms_for(*rooms):
    """The libraries that these rooms need, in link order."""
    need = set()
    for room in rooms:
        need |= {room, *ROOMS[room]}
    return [f'room_{r}' for r in LINK_ORDER if r in need & BUILT]
