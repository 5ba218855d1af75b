"""The machine of packaging/try-litestream: a server, Litestream next to it, where its copies go, and the load."""

import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
NAMESPACE, HOST, PEER = 'surveyd-copies', '10.231.7.1', '10.231.7.2'
BODY = b'{"clientId":{"type":"internalClientId","id":1},"qualityFormId":1}'
# A loss of more than this is a failure.
LIMIT_S = 2.5


def says(*words):
    print('---', *words, flush=True)


class Copies:
    """Where the copies go: a folder, or SFTP in another network namespace."""

    def __init__(self, work, kind):
        self.work, self.kind, self.sshd = work, kind, None
        self.folder = work / f'copies-{kind}'
        if kind == 'sftp':
            self.serve()

    def serve(self):
        keys = self.work / 'keys'
        keys.mkdir()
        for name in ['host', 'user']:
            subprocess.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', keys / name], check=True)
        shutil.copy(keys / 'user.pub', keys / 'authorized')
        run = lambda command: subprocess.run(command.split(), check=True)
        run(f'ip netns add {NAMESPACE}')
        run(f'ip link add surveyd-a type veth peer name surveyd-b netns {NAMESPACE}')
        run(f'ip address add {HOST}/30 dev surveyd-a')
        run('ip link set surveyd-a up')
        run(f'ip -n {NAMESPACE} address add {PEER}/30 dev surveyd-b')
        run(f'ip -n {NAMESPACE} link set surveyd-b up')
        os.makedirs('/run/sshd', exist_ok=True)
        config = self.work / 'sshd_config'
        config.write_text(f'ListenAddress {PEER}:22\nHostKey {keys}/host\nAuthorizedKeysFile {keys}/authorized\n'
                          'PermitRootLogin yes\nStrictModes no\nPidFile none\nUsePAM no\n'
                          'Subsystem sftp internal-sftp\nPasswordAuthentication no\n')
        self.sshd = subprocess.Popen(['ip', 'netns', 'exec', NAMESPACE, '/usr/sbin/sshd', '-D', '-e', '-f', config],
                                     stderr=open(self.work / 'sshd.log', 'w'))
        until('sshd answers', lambda: reaches(PEER, 22))

    def replica(self):
        if self.kind == 'file':
            return {'type': 'file', 'path': str(self.folder)}
        keys = self.work / 'keys'
        return {'type': 'sftp', 'host': f'{PEER}:22', 'user': 'root', 'path': str(self.folder), 'key-path': f'{keys}/user',
                'host-key': ' '.join((keys / 'host.pub').read_text().split()[:2])}

    def fetch(self, log):
        """The folder of the copies on this machine. `litestream restore` by SFTP waits for an answer for each page."""
        if self.kind == 'file':
            return self.folder
        fetched = self.work / 'fetched'
        shutil.rmtree(fetched, ignore_errors=True)
        keys = self.work / 'keys'
        command = ['sftp', '-q', '-r', '-i', keys / 'user', '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null',
                   f'root@{PEER}:{self.folder}', fetched]
        subprocess.run(command, check=True, stdout=log, stderr=log)
        return fetched

    def close(self):
        if self.sshd:
            self.sshd.kill()
            self.sshd.wait()
            subprocess.run(['ip', 'netns', 'delete', NAMESPACE], check=False)
            subprocess.run(['ip', 'link', 'delete', 'surveyd-a'], check=False, stderr=subprocess.DEVNULL)


def reaches(host, port):
    try:
        socket.create_connection((host, port), 1).close()
        return True
    except OSError:
        return False


def until(what, holds, seconds=30):
    end = time.monotonic() + seconds
    while not (found := holds()):
        if time.monotonic() > end:
            sys.exit(f'never happened: {what}')
        time.sleep(0.02)
    return found


def settings_of(database, replica, defaults):
    """The packaged file for this database and replica, or Litestream's defaults."""
    text = (ROOT / 'packaging/litestream/litestream.yml').read_text()
    head, tail = text.split('    replica:\n')
    sync = re.search(r'^      sync-interval: .*\n', tail, re.M).group()
    if defaults:
        head, sync = 'dbs:\n  - path: /var/lib/surveyd/surveyd.db\n', ''
    head = head.replace('/var/lib/surveyd/surveyd.db', str(database))
    return head + '    replica:\n' + sync + ''.join(f'      {key}: {json.dumps(value)}\n' for key, value in replica.items())


def before_start(database):
    """The command of `ExecStartPre` in the packaged drop-in, for this database."""
    text = (ROOT / 'packaging/litestream/surveyd.conf').read_text()
    command = re.search(r"^ExecStartPre=/bin/sh -c '(.*)'$", text, re.M).group(1)
    return command.replace('/var/lib/surveyd/surveyd.db', str(database))


class Site:
    """A machine with a server, and Litestream next to it."""

    def __init__(self, options, work, copies, defaults=False):
        self.options, self.work, self.copies = options, work, copies
        self.home = work / 'machine'
        self.database = self.home / 'surveyd.db'
        self.config = work / 'litestream.yml'
        self.config.write_text(settings_of(self.database, copies.replica(), defaults))
        self.server = self.litestream = None

    def surveyd(self, *words, database=None):
        command = [self.options.surveyd, *words, '--database', database or self.database]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def create(self):
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.rmtree(self.copies.folder, ignore_errors=True)
        self.home.mkdir()
        self.surveyd('apply', str(ROOT / 'src/fake/sample-world.json'))
        self.token = self.surveyd('token', 'create', '--name', 'crm', '--role', 'integrator').strip()
        self.admin = self.surveyd('token', 'create', '--name', 'ops', '--role', 'admin').strip()

    def serve(self):
        command = [self.options.surveyd, 'serve', '--listen', '127.0.0.1:0', '--database', self.database]
        environment = {**os.environ, 'SURVEYD__LOG_REQUESTS': 'false'}
        self.server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=open(self.work / 'surveyd.log', 'a'),
                                       text=True, env=environment)
        line = self.server.stdout.readline()
        if not line.startswith('ready '):
            sys.exit(f'the server does not start: {(self.work / "surveyd.log").read_text()[-2000:]}')
        self.port = int(line.strip().rsplit(':', 1)[1])

    def replicate(self, with_drop_in=True):
        """Starts Litestream; before it, what the drop-in runs before."""
        if with_drop_in:
            subprocess.run(before_start(self.database), shell=True, check=True)
        log = open(self.work / 'litestream.log', 'a')
        command = [self.options.litestream, 'replicate', '-config', self.config]
        self.litestream = subprocess.Popen(command, stdout=log, stderr=log)

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=60)
        connection.request(method, path, body and json.dumps(body),
                           {'Authorization': f'Bearer {self.admin}', 'Content-Type': 'application/json'})
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, text and json.loads(text)

    def send(self, name, count):
        """Sends one after another, with a key each."""
        for number in range(count):
            connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=60)
            head = {'Authorization': f'Bearer {self.token}', 'Content-Type': 'application/json', 'Idempotency-Key': f'{name}-{number}'}
            connection.request('POST', '/api/v1/quality/send', BODY, head)
            if (status := connection.getresponse().status) != 200:
                sys.exit(f'a send gets {status}')
            connection.close()

    def outstanding(self):
        return self.call('GET', '/admin/status')[1]['outstandingErasures']['count']

    def stop(self, process, how=signal.SIGTERM):
        if process and process.poll() is None:
            process.send_signal(how)
        return process and process.wait(60)

    def restore(self, must_be_sound=True):
        """The machine is lost: restores the copy to another one, and serves it. Returns the seconds to the file, and to `ready`."""
        shutil.rmtree(self.home)
        self.home.mkdir()
        began = time.monotonic()
        log = open(self.work / 'restore.log', 'a')
        fetched = self.copies.fetch(log)
        command = [self.options.litestream, 'restore', '-o', self.database, f'file://{fetched}']
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=log)
        os.chmod(self.database, 0o600)
        restored = time.monotonic() - began
        # A copy: the check must not be a part of the time.
        checked = self.work / 'checked.db'
        shutil.copy(self.database, checked)
        between = time.monotonic()
        self.serve()
        seconds = restored + time.monotonic() - between
        said = subprocess.run([self.options.surveyd, 'check', '--database', checked], capture_output=True, text=True)
        self.is_sound = said.returncode == 0
        if must_be_sound and not self.is_sound:
            sys.exit(f'the restored file is not sound: {said.stdout}{said.stderr}')
        checked.unlink()
        return restored, seconds


class Load:
    """Sends with a key each, on some connections, until the server is gone or the load ends."""

    def __init__(self, site, name, connections=8):
        self.site, self.acknowledged, self.is_over = site, [], False
        work = [threading.Thread(target=self.send, args=(f'{name}-{number}',)) for number in range(connections)]
        self.threads = work
        for thread in work:
            thread.start()

    def send(self, name):
        head = ('POST /api/v1/quality/send HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
                f'Authorization: Bearer {self.site.token}\r\nContent-Length: {len(BODY)}\r\nIdempotency-Key: ')
        number = 0
        try:
            with socket.create_connection(('127.0.0.1', self.site.port), 10) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while not self.is_over:
                    number += 1
                    key = f'{name}-{number}'
                    connection.sendall(f'{head}{key}\r\n\r\n'.encode() + BODY)
                    if not connection.recv(4096).startswith(b'HTTP/1.1 200'):
                        return
                    self.acknowledged.append((time.monotonic(), key))
        except OSError:
            pass

    def end(self):
        self.is_over = True
        for thread in self.threads:
            thread.join()
        return self.acknowledged


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]
