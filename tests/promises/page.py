# SPDX-License-Identifier: LGPL-3.0-or-later
"""daxsmb-pin(7), cut into sentences."""
import os, re, subprocess
from dataclasses import dataclass

PAGE = os.path.join(os.path.dirname(os.path.realpath(__file__)), '../../man/daxsmb-pin.7')
NOT_ABOUT_BEHAVIOUR = ('NAME', 'EXAMPLES', 'SEE ALSO')
HEADINGS = ('What holds', 'How to observe it', 'What ends it', 'What errors look like')
TERMS = re.compile(r'(STATUS_\w+(, STATUS_\w+)*|MAP|RDMA Read and RDMA Write|COMMIT|UNMAP|fanotify|exclusive)$')
BULLET = re.compile(r'-   ')


@dataclass(frozen=True)
class Sentence:
    section: str
    text: str

    def __str__(self):
        return f'{self.section}: {self.text}'


def rendered(source):
    """A paragraph is a line, and sentences are two spaces apart."""
    p = subprocess.run(['mandoc', '-T', 'ascii', '-O', 'width=1000'], input=source, capture_output=True, text=True, check=True)
    return re.sub('.\b', '', p.stdout)


def paragraphs(text):
    """(section, paragraph). The term that a paragraph explains is its beginning."""
    section, term = None, ''
    for line in text.splitlines()[1:-1]:
        words = line.strip()
        if line and line == words:
            section, term = words, ''
        elif section in NOT_ABOUT_BEHAVIOUR or not words or words in HEADINGS or words == 'Operations':
            term = ''
        elif TERMS.match(words):
            term = words + ' '
        else:
            yield section, term + BULLET.sub('', words)
            term = ''


def sentences(source):
    found = []
    for section, paragraph in paragraphs(rendered(source)):
        for text in re.split(r'(?<=[.:])  +', paragraph):
            found.append(Sentence(section, ' '.join(text.split())))
    return found


def read():
    with open(PAGE, encoding='utf-8') as f:
        return f.read()
