"""The Flask half of the demo: a template, a form, an upload."""

from flask import Flask, jsonify, render_template, request

app = Flask(__name__)


@app.get('/')
def hello():
    return render_template('hello.html', name=request.args.get('name', 'world'))


@app.post('/form')
def form():
    return jsonify(comment=request.form['comment'], times=int(request.form['times']))


@app.post('/upload')
def upload():
    file = request.files['file']
    content = file.read()
    return jsonify(name=file.filename, size=len(content), sum=sum(content) % 65521)
