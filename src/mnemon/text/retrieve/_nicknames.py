"""Nicknames: short forms of given names that are no spelling of them ("Bob", "Liz"), or that are
words of their own ("Sam", "Tim"). A line is one name; the words of a line may mean each other."""

from __future__ import annotations

from functools import cache

_NAMES = """
abigail abby gail
albert alberto bert al
alexander alexandre alex alec sasha xander sandy
alexandra alex alexa sandra sasha sandy lexi
alfred alfie fred
amanda mandy
andrew andreas andrea andy drew
angela angie
anthony antonio anton tony
arthur art artie
barbara barb babs
benjamin benedict ben benny benji
bernard bernie
catherine katherine kathryn katharina cathy kathy kate katie kat kitty
charles charlotte charlie charley chuck chas lottie
christopher christian chris kit
christina christine chris tina chrissy
cynthia cindy
daniel dan danny
daniela danielle dani
david dave davy
deborah debra deb debbie
dominic nick dom
donald don donny
dorothy dot dotty dolly
edward edwin edmund ed eddie ned ted teddy
eleanor elena nell nora ellie lena
elizabeth elisabeth elisa liz lizzie beth betty betsy eliza lisa liza elsie
emily emma em emmy
eugene gene
evelyn eve evie
florence flo
frances francesca fran franny frankie
francis francisco frank frankie fran paco
frederick frederic friedrich fred freddy
gabriel gabriela gabrielle gabe gabi gaby
gerald gerard gerry jerry
gregory greg
harold henry harry hal hank
isabella isabel izzy bella belle
jacob james jake jim jimmy jamie
jacqueline jackie
janet jan
jennifer jenny jen jenna
jessica jess jessie
jeffrey geoffrey jeff geoff
joanna johanna jo joey
john johannes jonathan jon johnny jack hans
joseph josef joe joey jo
josephine jo josie
joshua josh
judith judy
julia julian julius julie jules
kenneth ken kenny
kimberly kim
laurence lawrence larry laurie
leonard leonardo leo len lenny
louis luis luisa louise lou
madeleine madeline maddie
margaret margarita maggie meg peggy marge greta rita daisy
martin martina marty tina
matthew matthias matt matty
maximilian maxim maxine max
melanie melissa melinda mel
michael michaela miguel mike mick mickey micky mikey misha
michelle shelly
mohammed muhammad mo
nathan nathaniel nat nate
natalie natalia natasha nat tasha
nicholas nicolas nikolai nick nico nicky klaus
nicole nicola nicky nikki
oliver olivia ollie livvy liv
pamela pam
patricia patrick pat patty tricia trish paddy
penelope penny
peter pedro pete
philip phillip phil pip
priscilla cilla
rachel rach
raymond ray
rebecca becca becky bex
richard ricardo rick ricky dick rich richie
robert roberto rob bob bobby robbie bert
roland ronald ron ronnie
rosemary rosalind rosie rose
russell russ
samuel samantha samson sam sammy
sarah sara sally sadie
sebastian seb basti
stephen steven stefan steve stevie
stephanie stefanie steph steffi
susan susanna suzanne sue susie suzy
tamara tammy
terence teresa theresa terry tess tessa
theodore theodor theo ted teddy
thomas tom tommy
timothy tim timmy
tobias toby tobi
valerie valentina valentin val
veronica ronnie vera
victor victoria vic vicky tori
vincent vince vinnie
virginia ginny
walter walt wally
wilhelmina mina billie
william wilhelm guillermo will bill billy willie liam
zachary zach zack
"""

COMMON = frozenset(
    """al art belle bill chip chuck dick dolly don dot drew ed em eve flo gene hal hank jack jan jo
    jules ken kit kitty len lou mandy mark mat mike mina mo nat nick nora pat peg penny pip rich
    rick rob rose sandy sue tess vera vince val will""".split()  # noqa: SIM905 - as in analysis
)
"""Short forms that a question may mean otherwise: they count with a capital only."""


@cache
def aliases() -> dict[str, frozenset[str]]:
    """Each name or short form → the other words that may mean the same person."""
    found: dict[str, set[str]] = {}
    for line in _NAMES.split("\n"):
        full = line.split()
        for word in full:
            found.setdefault(word, set()).update(full)
    return {word: frozenset(others - {word}) for word, others in found.items()}
