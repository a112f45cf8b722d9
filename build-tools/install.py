"""Generated manual page and unit, and what `./waf install` puts where (programs are installed by their own rules)."""
import re, subprocess

LIBRARY = ['client', 'rdma', 'auth', 'wire', 'core']  # the rooms that libdaxsmb.a consists of
PUBLIC = ['client/daxsmb.h', 'client/daxsmb_pmem.h']
INCLUDE = re.compile(r'^#include "([^"]+)"', re.M)


def substitute(task):
    """Replaces @NAME@ by what the build's environment says."""
    env = task.env
    words = {'SYSCONFDIR': env.SYSCONFDIR, 'BINDIR': env.BINDIR, 'SBINDIR': env.PREFIX + '/sbin', 'PREFIX': env.PREFIX,
             'VERSION': env.VERSION}
    text = task.inputs[0].read(encoding='utf-8')
    task.outputs[0].write(re.sub(f'@({"|".join(words)})@', lambda m: words[m.group(1)], text), encoding='utf-8')


def join(task):
    """One archive of several. In the script names are relative: it knows no quotes."""
    folder = task.generator.bld.bldnode
    lines = [f'create {task.outputs[0].path_from(folder)}', *(f'addlib {i.path_from(folder)}' for i in task.inputs),
             'save', 'end', '']
    return subprocess.run([*task.env.AR, '-M'], input='\n'.join(lines), text=True, cwd=folder.abspath(), check=False).returncode


def headers(top):
    """The public ones, and what they include."""
    found, more = [], [top.find_node(name) for name in PUBLIC]
    while more:
        header = more.pop()
        if header not in found:
            found.append(header)
            more += [top.find_node(name) for name in INCLUDE.findall(header.read(encoding='utf-8'))]
    return found


def library(bld):
    """What programs of others are built with."""
    bld(rule=join, source=[bld.bldnode.find_or_declare(f'{room}/lib{room}.a') for room in LIBRARY], target='libdaxsmb.a')
    bld(rule=substitute, source='packaging/daxsmb.pc.in', target='packaging/daxsmb.pc', vars=['PREFIX', 'VERSION'])
    bld.install_files('${PREFIX}/lib', ['libdaxsmb.a'])
    bld.install_files('${PREFIX}/lib/pkgconfig', ['packaging/daxsmb.pc'])
    bld.install_files('${PREFIX}/include/daxsmb', headers(bld.path), relative_trick=True)
    bld.install_files('${PREFIX}/share/doc/daxsmbd/examples', bld.path.ant_glob('docs/examples/*'))


def run(bld):
    node = bld.path.find_node
    config_h = bld.bldnode.find_node('config.h')
    bld(rule='/usr/bin/python3 ${SRC[0].abspath()} ${SRC[1].abspath()} ${SRC[2].abspath()} ${SRC[3].abspath()} ${TGT}',
        source=[node('build-tools/make_conf_man.py'), node('man/daxsmb.conf.5.in'), node('conf/params.def'), config_h],
        target='man/daxsmb.conf.5')
    bld(rule=substitute, source='packaging/daxsmbd.service.in', target='packaging/daxsmbd.service',
        vars=['SYSCONFDIR', 'BINDIR', 'PREFIX'])

    share = '${PREFIX}/share'
    for page in bld.path.ant_glob('man/*.[1-8]'):
        bld.install_files(f'{share}/man/man{page.name[-1]}', [page])
    bld.install_files(f'{share}/man/man5', ['man/daxsmb.conf.5'])
    bld.install_files('${PREFIX}/lib/systemd/system', ['packaging/daxsmbd.service'])
    bld.install_files('${SYSCONFDIR}', ['conf/daxsmb.conf.example'], relative_trick=False)
    bld.install_files(f'{share}/doc/daxsmbd', ['README.md', 'COPYING', 'COPYING.LESSER', 'docs/protocol-pmem.md'])
    bld.install_files('${PREFIX}/share/daxsmbd/wireshark', ['contrib/wireshark/daxsmb-pmem.lua'])
    library(bld)
