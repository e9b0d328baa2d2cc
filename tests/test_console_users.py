"""People in the console: passwords are nobody's business, ending is written down, addresses agree."""

import pytest

from tests.console_pages import confirm, fields, saved, submit

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(person, client, sign_in):
    user = person("root@example.com", is_staff=True, is_superuser=True)
    sign_in(client, user)
    return user


def address(user, act="change"):
    return f"/admin/accounts/user/{user.pk}/{act}/"


def events(kind):
    from authcenter.audit.models import AuditEvent

    return list(AuditEvent.objects.filter(kind=kind))


def test_the_form_knows_no_password(client, root, person):
    alice = person()
    page = client.get(address(alice))
    assert alice.password not in page.content.decode()
    assert not [name for name in fields(page) if "password" in name]
    assert client.get(address(alice, "password")).status_code in {302, 404}
    before = alice.password
    submit(client, address(alice), name="Alice", password="known", password1="known", password2="known")
    alice.refresh_from_db()
    assert (alice.name, alice.password) == ("Alice", before)


def test_a_change_is_recorded_by_the_names_of_its_fields(client, root, person):
    alice = person()
    submit(client, address(alice), name="Alice A.", website="https://alice.example")
    event = events("operator_change")[0]
    assert (event.actor, event.subject) == (str(root.pk), str(alice.pk))
    assert event.detail == {"record": "accounts.user", "act": "changed", "fields": ["name", "website"]}
    assert event.request_id
    assert "Alice A." not in str(event.detail)


def test_saving_without_a_change_records_nothing(client, root, person):
    saved(client, address(person()))
    assert not events("operator_change")


def test_disabling_ends_everything(client, root, person, sign_in):
    from django.test import Client

    from authcenter.sessions.models import Revocation, Session

    alice = person()
    browser = Client(HTTP_HOST="localhost")
    sign_in(browser, alice)
    saved(client, address(alice), is_active=None)
    alice.refresh_from_db()
    assert (alice.is_active, alice.epoch) == (False, 1)
    assert Session.objects.get(user=alice).ended
    assert Revocation.objects.get().epoch == 1
    assert events("user_disabled")[0].subject == str(alice.pk)


def test_a_save_does_not_undo_an_epoch_that_rose_meanwhile(client, root, person, monkeypatch):
    """The form read the row before somebody else revoked everything."""
    from authcenter.console.users import UserAdmin
    from authcenter.sessions.revocation import end_all_of_user

    alice = person()
    save = UserAdmin.save_model

    def late(self, request, obj, form, change):
        end_all_of_user(alice.pk, reason="meanwhile")
        save(self, request, obj, form, change)

    monkeypatch.setattr(UserAdmin, "save_model", late)
    submit(client, address(alice), name="Alice")
    alice.refresh_from_db()
    assert (alice.name, alice.epoch) == ("Alice", 1)


def test_revoking_everything_asks_first(client, root, person, sign_in):
    from django.test import Client

    from authcenter.sessions.models import Revocation

    alice = person()
    browser = Client(HTTP_HOST="localhost")
    sign_in(browser, alice)
    for asked in (client.get(address(alice, "revoke")), client.post(address(alice, "revoke"))):
        assert asked.status_code == 200
        assert "alice@example.com" in asked.content.decode()
    assert not Revocation.objects.exists()
    assert confirm(client, address(alice, "revoke")).status_code == 302
    revocation = Revocation.objects.get()
    assert (revocation.kind, revocation.subject, revocation.epoch) == ("user", str(alice.pk), 1)
    event = events("user_revoked")[0]
    assert (event.actor, event.subject) == (str(root.pk), str(alice.pk))
    assert browser.get("/admin/").status_code == 302  # a stranger again


def test_revoking_from_the_list_asks_first(client, root, person):
    alice, bob = person(), person("bob@example.com")
    chosen = {"action": "revoke_selected", "_selected_action": [str(alice.pk), str(bob.pk)], "index": "0"}
    asked = client.post("/admin/accounts/user/?is_staff__exact=0", chosen)
    assert asked.status_code == 200
    carried = fields(asked)
    assert sorted(carried["_selected_action"]) == sorted([str(alice.pk), str(bob.pk)])
    alice.refresh_from_db()
    assert alice.epoch == 0
    assert client.post("/admin/accounts/user/?is_staff__exact=0", carried).status_code == 302
    assert len(events("user_revoked")) == 2


def test_a_reset_sends_a_mail_without_a_key(client, root, person, mailoutbox):
    alice = person()
    assert confirm(client, address(alice, "reset")).status_code == 302
    alice.refresh_from_db()
    assert not alice.has_usable_password()
    assert alice.epoch == 1
    mail = mailoutbox[-1]
    assert mail.to == ["alice@example.com"]
    assert "/accounts/password/reset/" in mail.body
    assert events("operator_change")[0].detail["act"] == "password reset started"


def test_after_a_reset_its_owner_chooses_a_new_password(client, root, person, mailoutbox):
    from django.test import Client

    alice = person()
    confirm(client, address(alice, "reset"))
    browser = Client(HTTP_HOST="localhost")
    sent = len(mailoutbox)
    browser.post("/accounts/password/reset/", {"email": alice.email})
    assert len(mailoutbox) == sent + 1
    assert mailoutbox[-1].to == [alice.email]


def test_a_new_person_has_no_password_and_an_address(client, root, mailoutbox, django_capture_on_commit_callbacks):
    from allauth.account.models import EmailAddress

    from accounts.models import User

    with django_capture_on_commit_callbacks(execute=True):
        saved(client, "/admin/accounts/user/add/", email="New@Example.com", name="New")
    new = User.objects.get(email="new@example.com")
    assert not new.has_usable_password()
    owned = EmailAddress.objects.get(user=new)
    assert (owned.email, owned.primary, owned.verified) == ("new@example.com", True, False)
    assert mailoutbox[-1].to == ["new@example.com"]
    assert events("operator_change")[0].detail["act"] == "added"


@pytest.mark.parametrize("taken", ["alice@example.com", "ALICE@example.com", "spare@example.com"])
def test_an_address_of_somebody_else_is_refused(client, root, person, taken):
    from allauth.account.models import EmailAddress

    EmailAddress.objects.create(user=person(), email="spare@example.com", verified=True)
    bob = person("bob@example.com")
    assert submit(client, address(bob), email=taken).status_code == 200
    bob.refresh_from_db()
    assert bob.email == "bob@example.com"


def test_a_new_sign_in_address_is_primary_and_not_yet_verified(client, root, person):
    from allauth.account.models import EmailAddress

    alice = person()
    saved(client, address(alice), email="alice@new.example")
    alice.refresh_from_db()
    assert alice.email == "alice@new.example"
    assert alice.epoch == 1  # whoever was signed in by the old address is out, on every device
    rows = EmailAddress.objects.filter(user=alice).values_list("email", "primary", "verified")
    assert sorted(rows) == [("alice@example.com", False, True), ("alice@new.example", True, False)]


def test_an_address_is_marked_verified(client, root, person):
    from allauth.account.models import EmailAddress

    alice = person()
    EmailAddress.objects.filter(user=alice).update(verified=False)
    saved(client, address(alice), **{"emailaddress_set-0-verified": "on"})
    assert EmailAddress.objects.get(user=alice).verified
    assert events("operator_change")[0].detail["fields"] == ["emailaddress.verified"]


def test_an_address_that_somebody_else_verified_is_refused(client, root, person):
    from allauth.account.models import EmailAddress

    EmailAddress.objects.create(user=person("bob@example.com"), email="same@example.com", verified=True)
    alice = person()
    spare = EmailAddress.objects.create(user=alice, email="same@example.com", verified=False)
    changes = {f"emailaddress_set-{n}-verified": "on" for n in (0, 1)}
    assert submit(client, address(alice), **changes).status_code == 200
    spare.refresh_from_db()
    assert not spare.verified


def test_the_primary_address_cannot_be_deleted(client, root, person):
    from allauth.account.models import EmailAddress

    alice = person()
    assert submit(client, address(alice), **{"emailaddress_set-0-DELETE": "on"}).status_code == 200
    assert EmailAddress.objects.filter(user=alice).exists()


def test_deleting_a_person_ends_first_and_keeps_the_log(client, root, person, application, sign_in):
    from django.test import Client

    from accounts.models import User
    from authcenter.oauth.models import Authorization
    from authcenter.sessions.models import Revocation

    alice = person()
    app, _secret = application(user=alice)
    Authorization.objects.create(user=alice, application=application()[0])
    sign_in(Client(HTTP_HOST="localhost"), alice)
    asked = client.get(address(alice, "delete"))
    assert asked.status_code == 200
    assert client.post(address(alice, "delete"), {"post": "yes"}).status_code == 302
    assert not User.objects.filter(pk=alice.pk).exists()
    ended = set(Revocation.objects.values_list("kind", "subject", "epoch"))
    assert ended == {("user", str(alice.pk), 1), ("application", app.client_id, 1)}
    assert [event.detail["act"] for event in events("operator_change")] == ["deleted"]
    assert events("operator_change")[0].subject == str(alice.pk)


def test_deleting_from_the_list_ends_first(client, root, person):
    from authcenter.sessions.models import Revocation

    alice = person()
    chosen = {"action": "delete_selected", "_selected_action": [str(alice.pk)]}
    asked = client.post("/admin/accounts/user/", chosen)
    assert asked.status_code == 200
    assert client.post("/admin/accounts/user/", {**chosen, "post": "yes"}).status_code == 302
    assert Revocation.objects.get().subject == str(alice.pk)


@pytest.mark.parametrize("query", ["alice@example.com", "Liddell", "{id}"])
def test_people_are_found(client, root, person, query):
    alice = person(name="Alice Liddell")
    person("bob@example.com")
    page = client.get("/admin/accounts/user/", {"q": query.format(id=alice.pk)}).content.decode()
    assert "alice@example.com" in page
    assert "bob@example.com" not in page


def test_a_list_asks_as_often_for_many_as_for_one(client, root, person, django_assert_max_num_queries):
    from accounts.models import Role

    role = Role.objects.create(name="editor")
    for number in range(20):
        person(f"p{number}@example.com").roles.add(role)
    with django_assert_max_num_queries(14):
        assert client.get("/admin/accounts/user/").status_code == 200
