"""What the console costs and how fast it is.

Read console.py first: it starts the server and is its benchmark.

console         the server
console_page    the page in Chromium
console_sound   what is heard against the word that is lit
"""
