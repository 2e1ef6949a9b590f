"""Tenants are kept apart by the database itself, and every row says whose it is."""

from __future__ import annotations

from contextlib import closing

import psycopg
import pytest

from mnemon.errors import StoreError
from mnemon.store import open_store
from mnemon.store.postgres import citus
from mnemon.store.postgres.tables import (
    DIRECTORY,
    SERVERS_TABLES,
    SHARED_TABLES,
    TENANT_TABLES,
)
from mnemon.store.rows import Budget, Promotion, Rule

from ...conformance.jobs import new as job
from ...conformance.rows import ME, add, artifact, block, made_from, new, space, vectors

ANA, BEN = "ana/notes", "ben/notes"


@pytest.fixture(scope="module")
def kept(postgresql):
    """A filled store for the tests that change nothing."""
    with closing(open_store(postgresql.empty("kept"))) as store:
        fill(store)
        yield store
        assert store.fsck(repair=False) == []


@pytest.fixture
def url(request, postgresql, database):
    return postgresql.url("kept") if "kept" in request.fixturenames else database()


def keep_files(connection):
    connection.execute(
        "INSERT INTO job_files SELECT tenant, id, 0, 'x' FROM jobs ON CONFLICT DO NOTHING"
    )


def fill(store):
    """Something of everything for two tenants."""
    store.create_space(space("a", state="active"))
    store.add_place("memory://somewhere", None, "")
    for namespace in (ANA, BEN):
        made = vectors("a", [[1, 0, 0]] * 2)
        drafts = [new("one", key="a", speaker="x"), new("two", links=(("about", "a"),))]
        one, two = store.add(namespace, drafts, made, ME)
        summary = made_from("sum", (two.id, 1))
        store.add(namespace, [summary], vectors("a", [[0, 1, 0]]), ME)
        store.count_reads({one.id: 1})
        store.write_artifact(artifact(f"key of {namespace}", (one.id, 1), namespace=namespace), ME)
        store.queue.enqueue(job(namespace=namespace, cubes=(one.id,)))
        store._connections.write_apart(None, keep_files)
        store.set_quota(namespace, 10, None)
        store.set_budgets([Budget(namespace, "kv", 5)])
        store.set_rule(Rule(namespace, 3600, True))
        store.hold(two.id)
        store.withhold(namespace)
        store.promote(Promotion(namespace, "current", "base", "promote", ("a key",)), 0)
        (three,) = store.add(namespace, [new("three")], vectors("a", [[0, 0, 1]]), ME)
        gone = block(f"block of {namespace}", None, (three.id, 1), namespace=namespace)
        store.write_artifact(gone, ME)
        store.retire([three.id], ME)  # its block waits to be removed


def numbers(plain):
    return [num for (num,) in plain("SELECT num FROM tenants ORDER BY num", whole=True)]


@pytest.mark.parametrize("table", [*TENANT_TABLES, DIRECTORY])
def test_plain_sql_sees_one_tenant_at_a_time_and_nothing_by_itself(kept, plain, table):
    ana, ben = numbers(plain)
    query = f"SELECT tenant, count(*) FROM {table} GROUP BY tenant ORDER BY tenant"
    assert plain(query) == []
    ((seen, mine),) = plain(query, tenant=ana)
    assert (seen, mine > 0) == (ana, True)
    assert plain(f"SELECT 1 FROM {table} WHERE tenant = {ben}", tenant=ana) == []
    assert [tenant for tenant, _ in plain(query, whole=True)] == [ana, ben]


@pytest.mark.parametrize("table", [*TENANT_TABLES, DIRECTORY])
def test_plain_sql_changes_nothing_of_another_tenant(kept, plain, table):
    ana, ben = numbers(plain)
    before = plain(f"SELECT count(*) FROM {table} WHERE tenant = {ben}", tenant=ben)
    plain(f"UPDATE {table} SET tenant = tenant WHERE tenant = {ben}", tenant=ana)
    plain(f"DELETE FROM {table} WHERE tenant = {ben}", tenant=ana)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        plain(f"INSERT INTO {table} (SELECT r.* FROM {table} t, jsonb_populate_record("
              f"t, '{{\"tenant\": {ben}}}') r LIMIT 1)", tenant=ana)  # fmt: skip
    assert plain(f"SELECT count(*) FROM {table} WHERE tenant = {ben}", tenant=ben) == before


def test_every_table_is_one_that_is_spread_or_one_that_has_nobodys_rows(store, plain):
    found = {name for (name,) in plain("SELECT tablename FROM pg_tables WHERE schemaname='public'")}
    assert found == {*TENANT_TABLES, *SERVERS_TABLES, DIRECTORY, *SHARED_TABLES}
    forced = {
        name
        for (name,) in plain(
            "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity"
        )
    }
    assert forced == {*TENANT_TABLES, *SERVERS_TABLES, DIRECTORY, "tenants"}


def test_every_key_and_index_is_led_by_the_tenant(store, plain):
    indexes = plain(
        "SELECT c.relname, i.indisunique, (SELECT attname FROM pg_attribute WHERE attrelid = c.oid "
        "AND attnum = i.indkey[0]) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid "
        "WHERE c.relnamespace = 'public'::regnamespace"
    )
    spread = (*TENANT_TABLES, *SERVERS_TABLES)
    led = {(table, column) for table, _, column in indexes if table in spread}
    assert led == {(table, "tenant") for table in spread}
    assert [row for row in indexes if row[0] == DIRECTORY] == [(DIRECTORY, True, "id")]


def test_every_reference_stays_within_a_tenant(store, plain):
    references = plain(
        "SELECT conrelid::regclass::text, confrelid::regclass::text, "
        "(SELECT attname FROM pg_attribute WHERE attrelid = conrelid AND attnum = conkey[1]), "
        "(SELECT attname FROM pg_attribute WHERE attrelid = confrelid AND attnum = confkey[1]) "
        "FROM pg_constraint WHERE contype = 'f'"
    )
    assert len(references) == 8
    for source, target, *columns in references:
        assert {source, target} <= set(TENANT_TABLES)
        assert columns == ["tenant", "tenant"]


def test_citus_would_be_asked_to_spread_every_table_once(store, url):
    with psycopg.connect(url) as connection:  # stand-ins for the extension's own functions
        connection.execute("CREATE TEMP TABLE asked (name text, key text, beside text)")
        connection.execute("CREATE TEMP TABLE pg_dist_partition (logicalrelid regclass)")
        for signature, values in (
            ("create_reference_table(name text)", "name, NULL, NULL"),
            ("create_distributed_table(name text, key text, colocate_with text)",
             "name, key, colocate_with"),
        ):  # fmt: skip
            connection.execute(
                f"CREATE FUNCTION pg_temp.{signature} RETURNS void LANGUAGE sql AS $$ "
                f"INSERT INTO asked VALUES ({values}); "
                "INSERT INTO pg_dist_partition VALUES (name::regclass) $$"
            )
        connection.execute("SET LOCAL search_path = public, pg_temp")
        connection.execute("SET LOCAL check_function_bodies = off")
        asked = [one[1].replace("SELECT ", "SELECT pg_temp.") for one in citus.statements()]
        assert not citus.there(connection)
        for statement in asked:
            connection.execute(statement)
        spread = connection.execute("SELECT * FROM asked").fetchall()
        assert citus.distribute(connection) == []
        connection.rollback()
    assert {table: key for table, key, _ in spread} == {
        **dict.fromkeys((*TENANT_TABLES, *SERVERS_TABLES), "tenant"),
        **dict.fromkeys(SHARED_TABLES),
        DIRECTORY: "id",
    }


def test_a_role_above_row_security_is_refused(postgresql, store):
    with pytest.raises(StoreError, match="CREATE ROLE mnemon"):
        open_store(postgresql.url("one", "postgres"))


def test_rows_tell_their_tenant_and_go_on_in_each(store):
    for namespace in (ANA, BEN, ANA, BEN):
        add(store, namespace, namespace=namespace)
    rows = {scope: [row[0] for row in store.headers(scope, 0)[2].columns] for scope in (ANA, BEN)}
    assert [b - a for a, b in rows.values()] == [1, 1]
    assert [store.by_rows(mine)[mine[0]].namespace for mine in rows.values()] == [ANA, BEN]
    assert store.contents([*rows[ANA], *rows[BEN]]) == [ANA, ANA, BEN, BEN]
    assert store.sequence(ANA) == store.sequence(BEN) == 2


def test_cubes_of_several_tenants_are_forgotten_together(store):
    ids = [add(store, namespace, namespace=namespace)[0] for namespace in (ANA, BEN)]
    assert store.ending(ids).versions == 2
    assert store.retire(ids, ME) == (ids, [])
    gone, erased = store.purge(ids, ME)
    assert (gone.ids, gone.versions, erased) == (tuple(ids), 2, True)
    assert store.namespaces(None) == []


def test_no_name_is_left_of_a_tenant_that_was_purged(store, url, plain):
    store.purge(add(store, "one", namespace="quagga/zebu", speaker="okapi"), ME)
    for table in (*TENANT_TABLES, DIRECTORY, *SHARED_TABLES):
        rows = str(plain(f"SELECT t::text FROM {table} t", whole=True))
        assert not any(word in rows for word in ("quagga", "zebu", "okapi"))
    add(store, "again", namespace="quagga")
    assert len(plain("SELECT num FROM tenants", whole=True)) == 1
