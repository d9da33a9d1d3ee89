"""Starts only while a file is there."""

import os

os.stat(os.environ['MARKER'])


def application(environ, start_response):
    start_response('200 OK', [('Content-Length', '0')])
    return []
