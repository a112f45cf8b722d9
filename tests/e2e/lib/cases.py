# SPDX-License-Identifier: LGPL-3.0-or-later
"""Cases: functions named as sentences. Each ends with a line "ok", "FAIL" or "skip"; the program with their sum."""
import os, signal, subprocess, sys, traceback

SHOWN = 80  # lines of each log that a failure shows
QUICK = 'quick' in sys.argv[1:]

registered = []
counts = {'ok': 0, 'FAIL': 0, 'skip': 0}


class Failure(Exception):
    pass


class Skip(Exception):
    """Its text says what is missing."""


def expect(condition, text=''):
    if not condition:
        raise Failure(text)


def case(function=None, *, each=None, full=False):
    """Registers a case. With each, a list of (label, arguments...), one for each of them; full: not for `quick`."""
    def register(f):
        name = f.__name__.replace('_', ' ')
        for label, *arguments in each or [('',)]:
            if not (full and QUICK):
                registered.append((f'{name}{", " if label else ""}{label}', f, arguments))
        return f
    return register(function) if function else register


def say(word, text):
    counts[word] += 1
    print(word, text, flush=True)


def show(title, text):
    lines = text.splitlines()
    print(f'  --- {title}{" (its end)" if len(lines) > SHOWN else ""}')
    for line in lines[-SHOWN:]:
        print(f'  | {line}')
    sys.stdout.flush()


def why(e):
    if isinstance(e, subprocess.TimeoutExpired):
        said = (e.stdout or b'').decode(errors='replace') if isinstance(e.stdout, bytes) else e.stdout or ''
        return f'still running after {e.timeout} s: {" ".join(map(str, e.cmd))}\n{said}'
    if isinstance(e, Failure):
        return str(e) or ''.join(traceback.format_exception(e))
    return ''.join(traceback.format_exception(e))


def attempt(name, function, *arguments, logs=lambda: []):
    """logs: returns pairs of title and text for a failure. True unless the case failed."""
    try:
        function(*arguments)
    except Skip as e:
        say('skip', f'{name}: {e}')
    except Exception as e:  # pylint: disable=broad-except # whatever it is, it is this case's failure
        say('FAIL', name)
        show('why', why(e))
        for title, text in logs():
            show(title, text)
        return False
    else:
        say('ok', name)
    return True


def finish():
    print(f'{counts["ok"]} passed, {counts["FAIL"]} failed, {counts["skip"]} skipped')
    sys.exit(counts['FAIL'] > 0)


def end_on_signals():
    """So that what is to be removed is removed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def with_a_server_of_its_own(server, function, arguments):
    with server() as s:
        function(s, *arguments)


def run(server=None, each=False):
    """
    Runs the registered cases. server: makes what each case gets as its first argument, if it gets any: one for all
    cases, or one for each.
    """
    end_on_signals()
    subject = os.path.basename(sys.argv[0]).removeprefix('test_').replace('_', ' ')
    if server is None or each:
        for name, function, arguments in registered:
            if each:
                attempt(f'{subject}: {name}', with_a_server_of_its_own, server, function, arguments)
            else:
                attempt(f'{subject}: {name}', function, *arguments)
        finish()
    common = None
    try:
        common = server()
        with common.running():
            for name, function, arguments in registered:
                common.mark()
                attempt(f'{subject}: {name}', function, common, *arguments, logs=common.news)
            attempt(f'{subject}: the server ends cleanly', common.stop, logs=common.logs)
    except Skip as e:
        say('skip', f'{subject}: {e}')
    except Exception as e:  # pylint: disable=broad-except
        say('FAIL', f'{subject}: the server runs')
        show('why', why(e))
        for title, text in common.logs() if common else []:
            show(title, text)
    finish()
