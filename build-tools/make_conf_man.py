"""Makes daxsmb.conf(5): fills the parameters of conf/params.def into man/daxsmb.conf.5.in.

usage: make_conf_man.py PAGE.in params.def config.h OUT
"""
import re
import sys

STRING = r'"(?:[^"\\]|\\.)*"'
ROW = re.compile(r'^(PARAM|VALUE|SYNONYM|FAMILY|MODULE)\((.*)\)$')
FIELD = re.compile(rf'\s*((?:{STRING}|[^,"])+)\s*(?:,|$)')


def text_of(field, config):
    """A C expression of strings and of macros from config.h, as text."""
    parts = re.findall(rf'{STRING}|\w+', field)
    return ''.join(re.sub(r'\\(.)', r'\1', p[1:-1]) if p.startswith('"') else config[p] for p in parts)


def read_rows(path):
    rows = {name: [] for name in ('PARAM', 'VALUE', 'SYNONYM', 'FAMILY', 'MODULE')}
    for line in open(path, encoding='utf-8'):
        m = ROW.match(line.rstrip())
        if m:
            rows[m.group(1)].append([f.strip() for f in FIELD.findall(m.group(2)) if f.strip()])
    return rows


def read_config(path):
    return dict(re.findall(r'^#define (\w+) "(.*)"$', open(path, encoding='utf-8').read(), re.M))


def roff(text):
    text = text.replace('\\', '\\e').replace('-', '\\-')
    text = re.sub(r'(daxsmbd|daxsmbctl|daxsmb)\((\d)\)', r'\1(\2)', text)
    text = re.sub(r'(?<=[a-z)]\.) (?=[A-Z])', '\n', text)
    return '\\&' + text if text[:1] in ".'" else text


TYPES = {'BOOL': 'yes or no', 'INT': 'number', 'BYTES': 'size', 'OCTAL': 'octal mode', 'STRING': 'text',
         'WORDS': 'list', 'SLASHED': 'list with slashes'}

# Other words for values, too many to list.
ALIASES = {'true', 'false', 'on', '0', '1', 'enabled', 'force', 'forced', 'enforced'}


def honoured(rows, values, synonyms):
    out = []
    for id_, name, type_, _, default, class_, doc in rows:
        if class_ not in ('HONOURED', 'MAPPED'):
            continue
        kind = TYPES.get(type_) or 'one of ' + ', '.join(values[type_])
        out.append(f'.It Ic {roff(name)}')
        out.append(f'{roff(kind)}; default: {roff(default) if default else "none"}')
        out.append('.br')
        out.append(roff(doc))
        if synonyms.get(id_):
            out.append('Also: ' + ', '.join(f'{roff(n)}{" (opposite)" if inverted else ""}'
                                            for n, inverted in synonyms[id_]) + '.')
    return out


def by_reason(pairs):
    """Names with the same reason together."""
    reasons = {}
    for name, reason in pairs:
        reasons.setdefault(reason, []).append(name)
    out = []
    for reason, names in reasons.items():
        out += [f'.It \\&{roff(reason[0].upper() + reason[1:].rstrip("."))}:', roff(', '.join(names))]
    return out


def sections(rows, config):
    params = [[text_of(f, config) if i in (1, 4, 6) else f for i, f in enumerate(r)] for r in rows['PARAM']]
    values, synonyms = {}, {}
    for type_, name, _, class_, _ in rows['VALUE']:
        if class_ == 'HONOURED' and text_of(name, config) not in ALIASES:
            values.setdefault(type_, []).append(text_of(name, config))
    for name, id_, sense in rows['SYNONYM']:
        synonyms.setdefault(id_, []).append((text_of(name, config), sense == 'INVERTED'))
    families = [(text_of(n, config) + ' ...', text_of(d, config)) for n, d in rows['FAMILY']]
    modules = [[text_of(n, config), c, text_of(d, config)] for n, c, d in rows['MODULE']]
    return {
        '@GLOBAL@': honoured([p for p in params if p[3] == 'GLOBAL'], values, synonyms),
        '@SHARE@': honoured([p for p in params if p[3] == 'SHARE'], values, synonyms),
        '@REFUSED@': by_reason((p[1], p[6]) for p in params if p[5] == 'REFUSED'),
        '@HARMLESS@': by_reason([(p[1], p[6]) for p in params if p[5] == 'HARMLESS'] + families),
        '@MODULES_REFUSED@': by_reason((n, d) for n, c, d in modules if c == 'REFUSED'),
        '@MODULES_HARMLESS@': by_reason((n, d) for n, c, d in modules if c == 'HARMLESS'),
    }


def main(page, table, config_h, out):
    config = read_config(config_h)
    filled = sections(read_rows(table), config)
    lines = []
    for line in open(page, encoding='utf-8').read().splitlines():
        if line in filled:
            lines += filled.pop(line)
        else:
            lines.append(re.sub(r'@(DAXSMBD_\w+)@', lambda m: config[m.group(1)], line))
    if filled:
        sys.exit(f'{page}: no place for {", ".join(filled)}')
    with open(out, 'w', encoding='utf-8') as f:
        f.write('\n'.join(lines) + '\n')


if __name__ == '__main__':
    main(*sys.argv[1:])
