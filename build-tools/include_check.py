"""Checks from the #include lines that rooms depend on each other only in the directions that wscript allows."""
import os, re, sys

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def wrong_includes(top, rooms):
    for room, allowed in rooms.items():
        for folder, _, files in os.walk(os.path.join(top, room)):
            for name in files:
                if not name.endswith(('.c', '.h')):
                    continue
                path = os.path.join(folder, name)
                with open(path, encoding='utf-8') as f:
                    for number, line in enumerate(f, 1):
                        m = INCLUDE.match(line)
                        target = m.group(1).split('/')[0] if m and '/' in m.group(1) else None
                        if target in rooms and target != room and target not in allowed:
                            yield f'{os.path.relpath(path, top)}:{number}: {room}/ may not include {m.group(1)}'


def run(top, rooms):
    wrong = list(wrong_includes(top, rooms))
    if wrong:
        sys.exit('include directions (docs/architecture.md):\n' + '\n'.join(wrong))
