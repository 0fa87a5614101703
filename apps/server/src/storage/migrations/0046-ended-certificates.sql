-- Certificates that were issued and are good for nothing before their end: replaced by the next, or without their credential. Who reads the
-- list of an authority that was handed out to others has to find them there until then.
create table ended_certificate (
  org uuid not null,
  authority uuid not null,
  serial bytea not null,
  ended_at bigint not null,
  not_after bigint not null,
  primary key (org, authority, serial),
  foreign key (org, authority) references certificate_authority (org, id) on delete cascade
);
select tenant_table('ended_certificate', 'all');

-- However one goes, by a renewal or with its credential, it is listed; with its authority all that is listed goes.
create function list_ended_certificate() returns trigger language plpgsql set search_path = holdfast, pg_temp as $$
declare
  now_ms bigint := (extract(epoch from clock_timestamp()) * 1000)::bigint;
begin
  if exists (select from certificate_authority a where a.org = old.org and a.id = old.authority) then
    insert into ended_certificate (org, authority, serial, ended_at, not_after)
      values (old.org, old.authority, old.serial, now_ms, old.not_after) on conflict do nothing;
  end if;
  return null;
end $$;
create trigger ended after delete on issued_certificate for each row execute function list_ended_certificate();

-- Whose an authority is, for whoever asks for its list.
select functions_may('certificate_authority', 'select');
create function org_of_authority(wanted uuid) returns table (org uuid)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$ select org from certificate_authority where id = wanted $$;
create index on certificate_authority (id);
