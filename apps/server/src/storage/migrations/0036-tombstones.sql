-- Organisations that were erased, by their ids, and the names of the keys of their devices: an older copy of the keyring that is put back in place has
-- these keys again, and a start destroys them again. What single devices measured has its own tombstones in `owner_period`.

create table erased_org (
  id uuid primary key,
  devices text[] not null
);

create function orgs_erased() returns table (org uuid)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$ select id from erased_org $$;

create function keys_of_erased(wanted uuid) returns table (name text)
  language sql stable security definer set search_path = holdfast, pg_temp
  as $$ select unnest(devices) from erased_org where id = wanted $$;

-- As in 0011, and the tombstone. A device's first key has its id alone, that of another period its number as well.
create or replace function erase_org(wanted uuid) returns table (done boolean)
  language plpgsql security definer set search_path = holdfast, pg_temp
  as $$
    begin
      -- The owner, as whom this runs, is bound to one organisation like everybody.
      perform set_config('app.org', wanted::text, true);
      insert into erased_org (id, devices) values (wanted, array(
        select 'dev_' || replace(d.id::text, '-', '') from device d where d.org = wanted
        union
        select 'dev_' || replace(p.device::text, '-', '') || case when p.number = 0 then '' else '/' || p.number end
          from owner_period p where p.org = wanted
      )) on conflict (id) do nothing;
      delete from message_log where org = wanted;
      delete from presence where org = wanted;
      delete from series where org = wanted;
      delete from chunk where org = wanted;
      delete from log where org = wanted;
      delete from device_tag where org = wanted;
      delete from device where org = wanted;
      delete from product where org = wanted;
      delete from application where org = wanted;
      delete from invitation where org = wanted;
      delete from member where org = wanted;
      delete from credential where org = wanted;
      delete from revocation where org = wanted;
      delete from replay where org = wanted;
      delete from audit where org = wanted;
      delete from organisation where org = wanted;
      delete from token_key where org = wanted;
      return query select true;
    end
  $$;
