from __future__ import annotations

import ast
import random
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbregistry.capture.assignments import MOST_NAMES
from nbregistry.capture.secrets import Finding, redact, redact_value

RANDOM = random.Random(7)


def made_up(length: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    """Return a token that nobody has; made here, so that no scanner takes this file for a leak."""
    return "".join(RANDOM.choice(alphabet) for _ in range(length - 1)) + "7"


TOKENS = {
    "AWS key": "AK" + "IA" + made_up(16, string.ascii_uppercase + string.digits),
    "GitHub token": "gh" + "p_" + made_up(36),
    "GitLab token": "gl" + "pat-" + made_up(20),
    "Slack token": "xo" + "xb-" + made_up(12, string.digits) + "-" + made_up(24),
    "OpenAI or Anthropic key": "s" + "k-proj-" + made_up(40),
    "Stripe key": "s" + "k_live_" + made_up(24),
    "Google key": "AI" + "za" + made_up(35),
    "Google token": "ya" + "29." + made_up(60),
    "Hugging Face token": "h" + "f_" + made_up(34),
    "PyPI token": "py" + "pi-" + made_up(80),
    "npm token": "np" + "m_" + made_up(36),
    "SendGrid key": "S" + "G." + made_up(22) + "." + made_up(43),
    "Databricks token": "da" + "pi" + made_up(32, "0123456789abcdef"),
    "DigitalOcean token": "dop" + "_v1_" + made_up(64, "0123456789abcdef"),
    "Telegram token": made_up(9, string.digits) + ":A" + "A" + made_up(33),
    "JSON Web Token": "ey" + "J" + made_up(20) + ".ey" + "J" + made_up(30) + "." + made_up(43),
}
PEM = "-----BEGIN {0}PRIVATE KEY-----\nMIIEvQ{1}\n{1}==\n-----END {0}PRIVATE KEY-----"


@pytest.mark.parametrize("kind", TOKENS)
@pytest.mark.parametrize("around", ["{}", "x = '{}'", "{{'a': \"{}\"}}", "# see {}, ok", "https://h/{}/x", "a={};b"])
def test_tokens_are_known_by_their_form(kind: str, around: str) -> None:
    """A token with an issuer's prefix goes wherever it stands, and nothing beside it goes."""
    text, found = redact(around.format(TOKENS[kind]))
    assert around.format(f"[redacted {kind}]") == text
    assert (Finding(kind, 1),) == found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('password = "hunter2"', 'password = "[redacted password]"'),
        ("db_password='a b'", "db_password='[redacted password]'"),
        ('dbPassword: str = "x"', 'dbPassword: str = "[redacted password]"'),
        ('passwd = b"abc"', 'passwd = b"[redacted password]"'),
        ("api_key = 'abcd1234'", "api_key = '[redacted API key]'"),
        ("OPENAI_API_KEY2='abcd1234'", "OPENAI_API_KEY2='[redacted API key]'"),
        ('os.environ["HF_TOKEN"] = "abcd1234"', 'os.environ["HF_TOKEN"] = "[redacted token]"'),
        ('os.environ.setdefault("HF_TOKEN", "abcd1234")', 'os.environ.setdefault("HF_TOKEN", "[redacted token]")'),
        ('os.getenv("API_KEY", "abcd1234")', 'os.getenv("API_KEY", "[redacted API key]")'),
        ('{"password": "x1", "user": "me"}', '{"password": "[redacted password]", "user": "me"}'),
        ('{"client_secret" : "abcdef"}', '{"client_secret" : "[redacted secret]"}'),
        ('aws_secret_access_key = "a/b+c/d1"', 'aws_secret_access_key = "[redacted API key]"'),
        ('connect(host="h", password="p", port=1)', 'connect(host="h", password="[redacted password]", port=1)'),
        ('password = """a\nb"""', 'password = """[redacted password]"""'),
        ('password = (\n    "abc"\n)', 'password = (\n    "[redacted password]"\n)'),
        ('password = "it\\"s"', 'password = "[redacted password]"'),
        ('password = f"abc"', 'password = f"[redacted password]"'),
        ('"source": "token = \\"abcd1234\\"\\n"', '"source": "token = \\"[redacted token]\\"\\n"'),
        ("%env API_KEY=abcd1234", "%env API_KEY=[redacted API key]"),
        ("%env API_KEY abcd1234", "%env API_KEY [redacted API key]"),
        ("!export GITHUB_TOKEN=abcd1234", "!export GITHUB_TOKEN=[redacted token]"),
        ("API_KEY=abcd1234\nUSER=me", "API_KEY=[redacted API key]\nUSER=me"),
        ("+db:\n+  password: hunter22\n", "+db:\n+  password: [redacted password]\n"),
        ("!tool --password hunter2 --user me", "!tool --password [redacted password] --user me"),
        ("!tool --token=abcd1234", "!tool --token=[redacted token]"),
        ("https://h/p?api_key=abcd1234&n=1", "https://h/p?api_key=[redacted API key]&n=1"),
        ('"Server=h;Password=abc;Db=x"', '"Server=h;Password=[redacted password];Db=x"'),
        ('"host=h password=abc dbname=x"', '"host=h password=[redacted password] dbname=x"'),
        ("AccountKey=abcd1234==;Endpoint=x", "AccountKey=[redacted API key];Endpoint=x"),
        ("postgresql://me:p@ss@host/db", "postgresql://me:[redacted password]@host/db"),
        ("git+https://oauth2:abc@host/x.git", "git+https://oauth2:[redacted password]@host/x.git"),
        ('requests.get(u, auth=("me", "pw"))', 'requests.get(u, auth=("me", "[redacted credentials]"))'),
        ("Authorization: Bearer abcdefgh12345678", "Authorization: Bearer [redacted bearer token]"),
        ('{"Authorization": "Basic dXNlcjpwYXNz"}', '{"Authorization": "Basic [redacted credentials]"}'),
        ('login(key="' + "ab" * 20 + '")', 'login(key="[redacted API key]")'),
        ('key = """' + PEM.format("RSA ", "a" * 64) + '"""', 'key = """[redacted private key]"""'),
        (PEM.format("", "b" * 64).replace("\n", "\\n"), "[redacted private key]"),
        (PEM.format("OPENSSH ", "c" * 64).partition("-----END")[0], "[redacted private key]"),
    ],
)  # fmt: skip
def test_secrets_are_known_by_their_name(text: str, expected: str) -> None:
    """What a name that says so is given goes, and only that: the code around it stays."""
    assert expected == redact(text)[0]


@pytest.mark.parametrize(
    "text",
    [
        "CountVectorizer(tokenizer='word')",
        "max_tokens=100",
        'n_tokens = "12345678"',
        'TfidfVectorizer(token_pattern=r"(?u)\\b\\w\\w+\\b")',
        "password = getpass()",
        'password = getpass.getpass("Password: ")',
        'password = input("Password: ") or die("no password")',
        "os.environ['TOKEN']",
        'token = os.environ["HF_TOKEN"]',
        'api_key = os.getenv("OPENAI_API_KEY")',
        'client(api_key=settings.api_key, token=token, password=pw)',
        'connect(\n    user=user,\n    password=password1\n)',
        'pad_token="[PAD]"', 'eos_token = "</s>"', 'sep_token="token2x"', 'token = "word"',
        'password = ""', 'password = "<your password>"', 'api_key = "YOUR_API_KEY"', 'token = "${TOKEN}"',
        'password = "***"', 'api_key="OPENAI_API_KEY"', 'secret = "changeme"',
        'password = f"{prefix}"', 'password = f"{prefix}-{name}1"',
        'url = f"https://{user}:{password}@host"', '"password=%s;" % pw',
        "def login(password: str, token: int32 = 0) -> None: ...",
        "password: str\ntoken: Optional[str] = None",
        'credentials = "~/.config/gcloud/key.json"', 'private_key = "keys/id.pem"', 'pwd = "/home/me"',
        'if token == "abcd1234": pass',
        'df["token"] = df["text"].str.split()', 'tokens = ["a1b2c3d4"]', 'secretary = "Ms. Jones1"',
        'print("token = " + name + "...")', 'names = ["USERNAME", "PASSWORD", "HOST12"]',
        "http://host:8080/path?x=@y", "from x import password_hash  # see http://a:b/c",
        "risk-free disk-space sk-learn-pipeline-with-a-long-name", "-----BEGIN CERTIFICATE-----\nabc",
        "a bearer of bad-news-for-everybody-here", "key = 'a'", "hf_hub = 1",
        "LogisticRegression(C=0.5).fit(X_train, y_train)",
    ],
)  # fmt: skip
def test_what_is_no_secret_stays(text: str) -> None:
    """Tokenizers, limits, questions, the environment, types, paths and places to put a secret are left as they are."""
    assert (text, ()) == redact(text)


def test_findings_tell_kind_and_line() -> None:
    """Each finding has the line it begins on, also behind a key of several lines."""
    text = f'a = 1\n{PEM.format("", "d" * 64)}\npassword = "x"\n\napi_key = "abcd1234"\n'
    assert (Finding("private key", 2), Finding("password", 6), Finding("API key", 8)) == redact(text)[1]


def test_a_secret_found_twice_is_one() -> None:
    """A token in an assignment is one secret, of the kind that its form tells."""
    token = TOKENS["GitHub token"]
    assert ("token = '[redacted GitHub token]'", (Finding("GitHub token", 1),)) == redact(f"token = '{token}'")


def test_redacting_again_changes_nothing() -> None:
    """What was blacked out is not found again."""
    text = "\n".join(f"secret_{i} = '{t}'; password: hunter2{i}" for i, t in enumerate(TOKENS.values()))
    once, found = redact(f'{text}\n{{"Authorization": "Basic dXNlcjpwYXNz"}}\n--password abc1234')
    assert len(TOKENS) < len(found)
    assert (once, ()) == redact(once)


def test_code_can_still_be_parsed() -> None:
    """Quotes stay, so that code whose secrets are gone is still code."""
    code = 'password = "a"\nx = {"token": \'abcd1234\', "n": f(api_key=b"abcd1234")}\n'
    text, found = redact(code)
    assert 3 == len(found)
    ast.parse(text)


@given(st.text(st.characters(codec=None, exclude_categories=())), st.sampled_from(sorted(TOKENS)))
def test_any_text_around_a_token(text: str, kind: str) -> None:
    """Whatever stands around it, in any script, a token of its own line is gone and the rest is as it was."""
    found, _ = redact(f"{text}\n\n{TOKENS[kind]}\n\n{text}")
    assert TOKENS[kind] not in found


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("password", "abc", "[redacted password]"),
        ("token", "abc", "[redacted token]"),
        ("secret", "x", "[redacted secret]"),
        ("api_key", "abc", "[redacted API key]"),
        ("clf__api_key", "abc", "[redacted API key]"),
        ("db.password", "abc", "[redacted password]"),
        ("HF_TOKEN", "abcd1234", "[redacted token]"),
        ("pad_token", "[PAD]", "[PAD]"),
        ("vect__token_pattern", "(?u)\\b\\w+\\b", "(?u)\\b\\w+\\b"),
        ("tokenizer", "word", "word"),
        ("max_tokens", "100", "100"),
        ("url", "mysql://me:pw@host/db", "mysql://me:[redacted password]@host/db"),
        ("note", "nothing", "nothing"),
        ("password", "", ""),
        ("password", 5, 5),
        ("password", None, None),
        ("password", "[redacted password]", "[redacted password]"),
    ],
)
def test_values_of_parameters_and_tags(key: str, value: object, expected: object) -> None:
    """The key decides, or else the form of the value; what is no text is left alone."""
    found, findings = redact_value(key, value)
    assert expected == found
    assert (value != expected) == bool(findings)


HOSTILE = {
    "unfinished quote": 'password="' + "a" * 2_000_000,
    "backslashes": 'password="' + "\\" * 2_000_000,
    "names": "password=" * 200_000,
    "quoted names": 'password="' * 200_000,
    "alternating quotes": "password=\"password='" * 100_000,
    "half names": "secret_access_" * 100_000,
    "tokens": "token" * 300_000,
    "queries": "?token=a&" * 200_000,
    "flags": "--token=a " * 200_000,
    "yaml": "password: \n" * 200_000,
    "urls": "://a:" * 300_000,
    "one long url": "://" + "a" * 2_000_000,
    "key beginnings": "-----BEGIN PRIVATE KEY-----" * 60_000,
    "keys inside out": "-----BEGIN PRIVATE KEY-----" * 20_000 + "-----END PRIVATE KEY-----" * 20_000,
    "web tokens": "eyJaaaaaaaa." * 100_000,
    "prefixes": "sk-xoxb-ghp_hf_" * 80_000,
    "spaces": "password" + " " * 2_000_000 + "=",
    "digits": "1" * 2_000_000,
    "lines": "\n" * 2_000_000,
    "authorization": "authorization: basic " * 60_000,
    "tuples": 'auth=("' * 200_000,
    "bearers": "bearer " * 200_000,
    "letters": "\u0130" * 2_000_000,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_text_takes_no_longer(kind: str) -> None:
    """A megabyte of anything is read in well under a second (measured: at most 0.3 s)."""
    text = HOSTILE[kind][:1_000_000]
    started = time.process_time()
    redact(text)
    assert time.process_time() - started < 1.5


def test_more_names_than_code_can_have_are_redacted_whole() -> None:
    """A text with too many names to look at loses its rest rather than keeping a secret."""
    text = "x = 1\n" + 'token = "a"\n' * (MOST_NAMES + 1) + 'token = "abcd1234"\n'
    found, findings = redact(text)
    assert "abcd1234" not in found
    assert found.startswith('x = 1\ntoken = "a"\n')
    assert "rest with too many names of secrets" == findings[-1].kind
