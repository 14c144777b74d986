"""What packages of Python need of the system besides the C library. A table.

A wheel of manylinux brings its libraries along (PEP 600). These have none, load a library by its name,
start programs, or compile when they run. Sources: what they say of their installation; what
`buildpack-deps` has and a slim image has not.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

#: Those that are linked with a library, or load it: the packages of Debian that have its headers.
LINKED = MappingProxyType(
    {
        "gssapi": ("libkrb5-dev",),
        "mysqlclient": ("default-libmysqlclient-dev",),
        "psycopg": ("libpq-dev",),
        "psycopg2": ("libpq-dev",),
        "pycurl": ("libcurl4-openssl-dev",),
        "python-ldap": ("libldap-dev", "libsasl2-dev"),
        "python-magic": ("libmagic-dev",),
        "xmlsec": ("libxmlsec1-dev", "libxml2-dev", "libxslt1-dev"),
    }
)
#: What brings the library along, where another package does.
WITH_LIBRARY = MappingProxyType({"psycopg": "psycopg[binary]"})
#: The first versions with a wheel, by that of Python; what is older is linked with what is there.
FIRST_WHEELS: Mapping[str, Mapping[tuple[int, ...], tuple[int, ...]]] = MappingProxyType(
    {
        "lxml": {
            (3, 8): (4, 4, 0), (3, 9): (4, 6, 0), (3, 10): (4, 6, 4), (3, 11): (4, 9, 2),
            (3, 12): (4, 9, 3), (3, 13): (5, 3, 0),
        },
        "pillow": {
            (3, 8): (6, 2, 0), (3, 9): (8, 0, 0), (3, 10): (8, 4, 0), (3, 11): (9, 3, 0),
            (3, 12): (10, 1, 0), (3, 13): (11, 0, 0),
        },
    }
)  # fmt: skip
#: Those that a compiler makes anywhere, without a library that a slim image lacks.
PLAIN = frozenset(
    """
    bitarray cffi coverage cython frozenlist greenlet hiredis httptools markupsafe mmh3 msgpack multidict
    netifaces peewee propcache psutil pycryptodome pyrsistent regex ruamel-yaml-clib setproctitle
    simplejson sqlalchemy tornado ujson uvloop wrapt xxhash yarl zope-interface
    """.split()
)
#: Those of which it is not known which packages have all that they need.
OTHERS = frozenset(
    """
    albumentations ansible ansible-core av bluepy cairocffi cairosvg camelot-py cartopy cookiecutter
    copier cppyy dbus-python deepface deepspeed dlib doctr dvc easyocr ethtool face-recognition fastecdsa
    filemagic fiona gdal geoip geopandas gitpython gpgme ibm-db imgaug insightface jupyter-server-proxy
    kaleido kerberos keras krb5 layoutparser libmagic lightgbm llama-cpp-python m2crypto manim
    mecab-python3 mediapipe mercurial mod-wsgi mpi4py mysql-python nbgitpuller open3d opencv-contrib-python
    opencv-contrib-python-headless opencv-python opencv-python-headless osmnx paddleocr pangocffi
    pgmagick pipenv playwright poetry pre-commit prophet psycopg[c] pyaudio pycairo pycuda pygobject
    pygraphviz pykerberos pylibmc pymc pyogrio pyodbc pyppeteer pyqt5 pyqt6 pyside2 pyside6 pystan pytensor
    python-semantic-release python-snappy pythran pyusb pyvips pyvista rasterio rembg requests-kerberos
    rioxarray rlpycairo rpy2 salt scrapy-splash secp256k1 sentence-transformers supervision svglib
    tensorflow theano torch torchvision torchaudio transformers triton ultralytics unstructured uwsgi vllm
    vtk wand weasyprint xformers xhtml2pdf
    """.split()
)
