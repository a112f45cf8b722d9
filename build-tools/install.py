"""Generated manual page and unit, and what `./waf install` puts where (programs are installed by their own rules)."""
import re


def substitute(task):
    """Replaces @NAME@ by what the build's environment says."""
    bld, env = task.generator.bld, task.env
    words = {'SYSCONFDIR': env.SYSCONFDIR, 'BINDIR': env.BINDIR, 'SBINDIR': env.PREFIX + '/sbin'}
    text = task.inputs[0].read(encoding='utf-8')
    task.outputs[0].write(re.sub('@(SYSCONFDIR|BINDIR|SBINDIR)@', lambda m: words[m.group(1)], text), encoding='utf-8')


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
