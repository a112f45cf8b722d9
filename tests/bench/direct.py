# SPDX-License-Identifier: LGPL-3.0-or-later
"""The table of direct access: files in mapped memory read, written and committed by grants, beside SMB over TCP, SMB Direct and
Samba, with what the machine itself needs for a round trip, a flush and a stream; and how fast grants are given back."""
import json, os, shutil, statistics, subprocess, tempfile, time

import servers

HERE = os.path.dirname(os.path.realpath(__file__))
POLL_US = 100
SIZES = [('64 B', '64'), ('4 KiB', '4k'), ('1 MiB', '1M')]
OPS = [('read', 'read'), ('write', 'write'), ('write+commit', 'commit')]
RECALLS, LIVED_SECONDS = 20, 0.25  # a mapping that lived shorter is not mapped again at once


class Direct(servers.Daxsmbd):
    name = 'daxsmbd'


class Polling(servers.Daxsmbd):
    name = 'polling'

    def lines_for(self):
        return [*super().lines_for(), f'pmem poll = {POLL_US}']


class Pinned(Polling):
    """Server and client on processors of their own, where a scheduler that likes to keep them together cannot."""
    name = 'pinned'
    client_prefix = ['taskset', '-c', '1']

    def command(self):
        return ['taskset', '-c', '0', *super().command()]


def mount_of(folder):
    """Kind of the file system and whether it is mounted for direct access."""
    out = subprocess.run(['findmnt', '-no', 'FSTYPE,OPTIONS', '-T', folder], check=True, capture_output=True, text=True).stdout
    kind, options = out.split()[:2]
    return kind, any(o.startswith('dax') and o != 'dax=never' for o in options.split(','))


def workloads(flushed):
    """Rows: label, option strings. Where a flush costs milliseconds only what is flushed is of interest."""
    for depth in (1, 16):
        for size, option in SIZES:
            for label, op in OPS:
                if flushed and (op != 'commit' or option == '64'):
                    continue
                yield f'{label} {size}, depth {depth}', (op, option, depth)


def ways(op):
    """What is compared: label, server, way, options."""
    if op == 'commit':
        yield 'TCP, Samba', 'samba', 'tcp', []
    yield 'TCP', 'daxsmbd', 'tcp', []
    yield 'SMB Direct', 'daxsmbd', 'smbdirect', []
    yield 'direct', 'daxsmbd', 'direct', []
    yield 'direct, polling', 'polling', 'direct', [f'--poll={POLL_US}']
    if os.cpu_count() > 1:
        yield 'direct, polling, pinned', 'pinned', 'direct', [f'--poll={POLL_US}']


def one_run(args, measure, running, way, load):
    _, name, via, more = way
    op, size, depth = load
    server = running[name]
    options = [f'--op={op}', f'--size={size}', f'--depth={depth}', f'--via={via}', *more]
    if op == 'read' and via != 'direct':
        options.append('--keep')
    if via == 'direct':
        options.append(f'--direct-port={server.rdma_port}')
    url = server.url if name == 'samba' else server.url_of(via, 'mapped')
    return measure(args, server, options, url)


def iperf3_mbps():
    port = servers.free_port()
    with subprocess.Popen(['iperf3', '-s', '-1', '-B', '127.0.0.1', '-p', str(port)], stdout=subprocess.DEVNULL) as p:
        try:
            for _ in range(50):
                done = subprocess.run(['iperf3', '-c', '127.0.0.1', '-p', str(port), '-t', '1', '-J'], capture_output=True,
                                      text=True, check=False)
                received = json.loads(done.stdout or '{}').get('end', {}).get('sum_received')
                if received:
                    return received['bits_per_second'] / 8e6
                time.sleep(0.1)
        finally:
            if p.poll() is None:
                p.terminate()
    raise RuntimeError(f'iperf3: {done.stdout}{done.stderr}')


class Floor:
    """floor.c, compiled."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix='bench-floor-')
        self.program = os.path.join(self.folder, 'floor')
        subprocess.run(['cc', '-O2', '-o', self.program, os.path.join(HERE, 'floor.c')], check=True)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)

    def measure(self, where):
        return json.loads(subprocess.run([self.program, where], check=True, capture_output=True, text=True).stdout)


# ---- how fast grants are given back ----

def until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError('nothing happened in time')
        time.sleep(0.01)


def recall_times(args, server):
    """A client holds a file for writing and gives it back when it is asked to; another one reads the file, again and again."""
    program, who = os.path.join(args.build, 'bin/daxsmb'), ['-U', server.user]
    environment = {**os.environ, 'PASSWD': server.password}
    url = f'{server.url_of("tcp", "mapped")}/held'
    with open(os.path.join(server.share, 'held'), 'wb') as f:
        f.write(bytes(1 << 20))
    os.chmod(os.path.join(server.share, 'held'), 0o666)

    def status():
        command = [os.path.join(args.build, 'bin/daxsmbctl'), '-s', server.conf, 'status', '--json']
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    holder = subprocess.Popen([program, 'map', url, *who, '--write', f'--direct-port={server.rdma_port}'],
                              stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    try:
        for _ in range(RECALLS):
            until(lambda: status()['grants'])
            time.sleep(LIVED_SECONDS)
            subprocess.run([program, 'get', url, '/dev/null', *who], check=True, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, env=environment)
        return status()['revocations']['client']
    finally:
        holder.stdin.close()
        holder.wait(20)


# ---- the table ----

def medians(runs):
    keys = ('rate', 'mbps', 'p50_us', 'p99_us', 'server_cpu_us', 'client_cpu_us_per_op')
    out = {k: statistics.median(r[k] for r in runs) for k in keys}
    return out | {k: runs[0][k] for k in ('level', 'guard') if k in runs[0]}


def measure_folder(args, measure, parent, flushed, log):
    result = {'rows': {}}
    kinds = {'samba': servers.Samba, 'daxsmbd': Direct, 'polling': Polling, 'pinned': Pinned}
    running, floors, streams = {}, [], []
    try:
        for name, kind in kinds.items():
            if kind.missing() is None:
                running[name] = kind(share_parent=parent).__enter__()
        with Floor() as floor:
            for _ in range(args.rounds):
                floors.append(floor.measure(parent))
                if not flushed and shutil.which('iperf3'):
                    streams.append(iperf3_mbps())
        for label, load in workloads(flushed):
            if args.only and not any(w in label for w in args.only):
                continue
            all_ways = [w for w in ways(load[0]) if w[1] in running]
            runs = {w[0]: [] for w in all_ways}
            for i in range(args.rounds):
                for way in all_ways if i % 2 == 0 else reversed(all_ways):
                    runs[way[0]].append(one_run(args, measure, running, way, load))
            result['rows'][label] = {name: medians(r) for name, r in runs.items()}
            log(label + ': ' + ', '.join(f'{n} {f["rate"]:.0f}/s {f["p50_us"]:.1f} us'
                                         for n, f in result['rows'][label].items()))
        result['recall'] = recall_times(args, running['daxsmbd'])
    finally:
        for server in running.values():
            server.__exit__()
    result['floor'] = {k: statistics.median(f[k] for f in floors) for k in floors[0]}
    result['iperf3_mbps'] = statistics.median(streams) if streams else None
    return result


def number(v):
    return f'{v:,.0f}' if v >= 100 else f'{v:.1f}'


def heading(where, result):
    direct = next((f['direct'] for f in result['rows'].values() if 'direct' in f), {})
    floor = result['floor']
    text = (f'On {where}: level {direct.get("level", "?")}, guard {direct.get("guard", "?")}. The machine itself: a round '
            f'trip of TCP {floor["sleeping"]:.1f} us sleeping, {floor["looking"]:.1f} us looking; 16 at once '
            f'{floor["sleeping_16"]:.1f} and {floor["looking_16"]:.1f} us; fdatasync '
            f'{number(floor["fdatasync"])} us')
    if result['iperf3_mbps']:
        text += f'; iperf3 over one connection {number(result["iperf3_mbps"])} MB/s'
    r = result['recall']
    return text + (f'. Recall to fence with a willing holder, {r["count"]} times: median {r["p50_us"]} us, 99th percentile '
                   f'{r["p99_us"]} us, longest {r["longest_us"]} us.')


def table_of(result):
    lines = ['| workload | way | op/s | of TCP | MB/s | p50 us | of TCP | p99 us | server, CPU us/op | of TCP | client, CPU us/op |',
             '|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|']
    for label, by_way in result['rows'].items():
        tcp, first = by_way['TCP'], True
        for way, f in by_way.items():
            cells = [number(f['rate']), f'{f["rate"] / tcp["rate"]:.2f}', number(f['mbps']), number(f['p50_us']),
                     f'{f["p50_us"] / tcp["p50_us"]:.2f}', number(f['p99_us']), number(f['server_cpu_us']),
                     f'{f["server_cpu_us"] / tcp["server_cpu_us"]:.2f}' if tcp['server_cpu_us'] else '-',
                     number(f['client_cpu_us_per_op'])]
            lines.append(f'| {label if first else ""} | {way} | ' + ' | '.join(cells) + ' |')
            first = False
    return lines


def goals_of(result):
    """Each goal that this table can say something of: what, what was to be reached, what was, whether."""
    rows = result['rows']

    def best(label, key, pick):
        f = rows.get(label)
        return pick(v[key] for n, v in f.items() if n.startswith('direct')) / f['TCP'][key] if f else None

    goals = [
        ('write+commit 4 KiB, depth 1: time, of WRITE and FLUSH over TCP', 'at most 0.33',
         best('write+commit 4 KiB, depth 1', 'p50_us', min), lambda v: v <= 1 / 3),
        ('read 4 KiB, depth 1: time, of READ over TCP', 'at most 0.50', best('read 4 KiB, depth 1', 'p50_us', min),
         lambda v: v <= 0.5),
    ]
    for label, _ in OPS:
        goals.append((f'{label} 4 KiB, depth 16: rate, of TCP', 'at least 4.0',
                      best(f'{label} 4 KiB, depth 16', 'rate', max), lambda v: v >= 4))
        for depth in (1, 16):
            goals.append((f'{label} 4 KiB, depth {depth}: CPU of the server, of TCP', 'at most 0.33',
                          best(f'{label} 4 KiB, depth {depth}', 'server_cpu_us', min), lambda v: v <= 1 / 3))
        fast = [v['mbps'] for d in (1, 16) for n, v in rows.get(f'{label} 1 MiB, depth {d}', {}).items()
                if n.startswith('direct')]
        if fast and result['iperf3_mbps']:
            goals.append((f'{label} 1 MiB: MB/s, of iperf3', 'at least 0.85', max(fast) / result['iperf3_mbps'],
                          lambda v: v >= 0.85))
    goals.append(('recall to fence, ms at the median', 'less than 2', result['recall']['p50_us'] / 1000, lambda v: v < 2))
    lines = ['| goal | to reach | reached | |', '|---|--:|--:|---|']
    return lines + [f'| {what} | {to} | {v:.2f} | {"yes" if ok(v) else "no"} |' for what, to, v, ok in goals if v is not None]


def compare_direct(args, measure, result, log):
    texts = []
    for folder in args.folder or ['/dev/shm', '/var/tmp']:
        kind, dax = mount_of(folder)
        where = kind + (' with DAX' if dax else '')
        figures = measure_folder(args, measure, folder, kind != 'tmpfs' and not dax, log)
        result.setdefault('direct', {})[where] = figures
        texts.append('\n'.join([heading(where, figures), '', *table_of(figures), '', *goals_of(figures)]) + '\n')
    return '\n'.join(texts)
