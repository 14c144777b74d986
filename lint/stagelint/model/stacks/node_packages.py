"""What packages of npm need besides Node.js. A table; sources: what they say of their installation."""

from __future__ import annotations

#: Those that run something when they are installed, and then have all that they need: they bring a
#: program along, compile against the C library alone, or only speak.
SELF_CONTAINED = frozenset(
    """
    @apollo/protobufjs @firebase/util @nestjs/core @parcel/watcher @scarf/scarf @swc/core argon2 aws-sdk
    bcrypt better-sqlite3 bufferutil classic-level core-js core-js-pure cpu-features dtrace-provider ejs
    es5-ext esbuild hiredis iconv keccak leveldown msgpackr-extract nodemon nx preact protobufjs re2
    secp256k1 sharp snappy sodium-native sqlite3 ssh2 styled-components tree-sitter unrs-resolver
    utf-8-validate vue-demi zlib-sync
    """.split()
)
#: Those that start programs or load libraries that a slim image has not, or fetch what they start.
OTHERS = frozenset(
    """
    @prisma/client @prisma/engines @sparticuz/chromium @wdio/cli cypress dugite
    electron ffi-napi find-process gm imagemagick kerberos libpq mdns node-gyp node-pty
    nodegit ntlm-client pdf2pic pg-native phantomjs phantomjs-prebuilt playwright
    playwright-core printer prisma ps-list ps-node ps-tree puppeteer puppeteer-core ref-napi
    selenium-webdriver simple-git systeminformation usb wkhtmltopdf
    """.split()
)
#: Those whose code is generated into `node_modules`, where an install removes it.
GENERATED = frozenset({"@prisma/client", "prisma", "patch-package"})
#: Programs that serve a project to those who develop it.
DEVELOPMENT_SERVERS = frozenset(
    """
    vite webpack webpack-dev-server ng react-scripts react-app-rewired craco vue-cli-service nodemon
    ts-node-dev parcel gulp grunt astro gatsby snowpack storybook start-storybook live-server
    browser-sync lite-server nuxi expo
    """.split()
)
