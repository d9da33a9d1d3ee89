"""Real frameworks: the demo's Flask and Starlette applications, and a Django project with its admin."""

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.parse

import pytest
import websocket

from daemon import APPS, ROOT

DEMO = ROOT / 'demo'


@pytest.fixture
def demo(unit, venv):
    """The demo's configuration: Flask, Starlette and a static folder behind one listener."""
    config = json.loads((DEMO / 'config.json').read_text()
                        .replace('@DEMO@', str(DEMO)).replace('@VENV@', venv).replace('@PORT@', str(unit.port)))
    unit.configure(config)
    return unit


def test_flask_template(demo):
    a = demo.get('/flask/?name=Ada')
    assert a.status == 200
    assert a.header('Content-Type') == 'text/html; charset=utf-8'
    assert '<h1>Hello, Ada!</h1>' in a.text


def test_flask_escapes_what_it_shows(demo):
    assert '<h1>Hello, &lt;b&gt;!</h1>' in demo.get('/flask/?name=%3Cb%3E').text


def test_flask_form(demo):
    a = demo.post('/flask/form', b'comment=it+works&times=3', {'Content-Type': 'application/x-www-form-urlencoded'})
    assert (a.status, a.json()) == (200, {'comment': 'it works', 'times': 3})


def test_flask_upload(demo):
    content = bytes(range(256)) * 4096
    body = (b'--sep\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n'
            b'Content-Type: application/octet-stream\r\n\r\n' + content + b'\r\n--sep--\r\n')
    a = demo.post('/flask/upload', body, {'Content-Type': 'multipart/form-data; boundary=sep'})
    assert a.json() == {'name': 'a.bin', 'size': len(content), 'sum': sum(content) % 65521}


def test_flask_not_found(demo):
    assert demo.get('/flask/nowhere').status == 404


def test_starlette_streams(demo):
    a = demo.get('/starlette/stream?n=5')
    assert a.header('Transfer-Encoding') == 'chunked'
    assert a.text == ''.join(f'line {i}\n' for i in range(5))


def test_starlette_form(demo):
    a = demo.post('/starlette/form', b'a=1&b=2', {'Content-Type': 'application/x-www-form-urlencoded'})
    assert a.json() == {'a': '1', 'b': '2'}


def test_starlette_lifespan_ran(demo):
    assert demo.get('/starlette/').json()['started'] is True


def test_starlette_websocket(demo):
    ws = websocket.create_connection(f'ws://127.0.0.1:{demo.port}/starlette/ws', timeout=30)
    for text in ('hello', 'žluť', 'x' * 100_000):
        ws.send(text)
        assert ws.recv() == 'echo: ' + text
    ws.send_binary(b'\x00\xff')
    assert ws.recv() == b'\x00\xff'
    ws.close()


def test_static_folder(demo):
    a = demo.get('/static/style.css')
    assert (a.status, a.header('Content-Type')) == (200, 'text/css')
    assert a.body == (DEMO / 'static/style.css').read_bytes()


class Browser:
    """Keeps cookies, follows no redirects by itself."""

    def __init__(self, unit):
        self.unit, self.cookies = unit, {}

    def _headers(self, more):
        cookie = '; '.join(f'{n}={v}' for n, v in self.cookies.items())
        return [('Host', f'127.0.0.1:{self.unit.port}'), *([('Cookie', cookie)] if cookie else []), *more]

    def _keep(self, a):
        for name, value in a.headers:
            if name.lower() == 'set-cookie':
                n, v = value.split(';')[0].split('=', 1)
                self.cookies[n] = v
        return a

    def get(self, path):
        return self._keep(self.unit.get(path, self._headers([])))

    def submit(self, path, **fields):
        """Submits the form of the page, with the token it holds."""
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.get(path).text)[1]
        body = urllib.parse.urlencode({'csrfmiddlewaretoken': token, **fields}).encode()
        return self._keep(self.unit.post(path, body, self._headers(
            [('Content-Type', 'application/x-www-form-urlencoded'),
             ('Referer', f'http://127.0.0.1:{self.unit.port}{path}')])))


@pytest.fixture
def django(unit, venv):
    """The polls project, migrated, with an admin user and its static files collected."""
    site = unit.dir / 'site'
    shutil.copytree(APPS / 'polls', site)
    env = {**os.environ, 'DJANGO_SUPERUSER_PASSWORD': 'correct horse'}
    for command in (['migrate', '-v0'], ['collectstatic', '-v0', '--noinput'],
                    ['createsuperuser', '--noinput', '--username', 'admin', '--email', 'a@example.org']):
        subprocess.run([sys.executable, 'manage.py', *command], cwd=site, env=env, check=True)
    for path in (site, *site.rglob('*')):
        path.chmod(0o777 if path.is_dir() else 0o666)
    unit.serve({'polls': {'type': 'python', 'home': venv, 'path': str(site), 'module': 'mysite.wsgi'}},
               routes=[{'match': {'uri': '/static/*'}, 'action': {'share': f'{site}$uri'}},
                       {'action': {'pass': 'applications/polls'}}])
    return unit


def test_django_admin(django):
    browser = Browser(django)
    a = browser.get('/admin/')
    assert (a.status, a.header('Location')) == (302, '/admin/login/?next=/admin/')
    assert browser.submit('/admin/login/?next=/admin/', username='admin', password='wrong').status == 200
    a = browser.submit('/admin/login/?next=/admin/', username='admin', password='correct horse')
    assert (a.status, a.header('Location')) == (302, '/admin/')
    assert 'Site administration' in browser.get('/admin/').text

    a = browser.submit('/admin/polls/question/add/', question_text='What is new?',
                       pub_date_0='2026-01-01', pub_date_1='12:00:00', _save='Save')
    assert a.status == 302, a.text
    assert 'What is new?' in browser.get('/admin/polls/question/').text
    assert 'What is new?' in browser.get('/polls/').text


def test_django_static_files(django):
    css = django.get('/static/admin/css/base.css')
    assert (css.status, css.header('Content-Type')) == (200, 'text/css')
    assert css.body == (django.dir / 'site/static/admin/css/base.css').read_bytes()
    assert django.get('/static/../mysite/settings.py').status != 200


def test_django_asgi(django):
    django.configure('mysite.asgi', '/config/applications/polls/module')
    assert 'No polls' in django.get('/polls/').text
