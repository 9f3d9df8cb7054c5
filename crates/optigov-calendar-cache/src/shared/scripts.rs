//! What runs inside the store, each script on one mailbox's hash: its fields are the version `v`, the number `n` of changes under it, the watch `w`
//! under which the mailbox stands (the token of the leadership, a colon, the watch's id), and one field per reading, named by its window's start
//! and end and the millisecond at which it was read.

use std::sync::LazyLock;

use redis::{Cmd, Pipeline, Script};

/// A script by its text and by its name in the store.
pub(crate) struct StoreScript {
    text: &'static str,
    hash: String,
}

impl StoreScript {
    fn new(text: &'static str) -> StoreScript {
        StoreScript { text, hash: Script::new(text).get_hash().to_owned() }
    }

    /// Makes sure that the store knows the script: one that has restarted does not. To be added before its runs; its answer is the first.
    pub(crate) fn load(&self, pipe: &mut Pipeline) {
        pipe.cmd("SCRIPT").arg("LOAD").arg(self.text);
    }

    /// Runs the script on its keys with the arguments that `add` adds, in a pipeline that has loaded it.
    pub(crate) fn run<const N: usize>(&self, pipe: &mut Pipeline, keys: [&str; N], add: impl FnOnce(&mut Cmd)) {
        let mut command = redis::cmd("EVALSHA");
        command.arg(&self.hash).arg(N).arg(&keys);
        add(&mut command);
        pipe.add_command(command);
    }
}

/// Looks a mailbox up. Takes the version and number of changes that the caller has in memory (`v:n`), a random version for a mailbox that has
/// none, and for how many milliseconds to keep it. Answers version, number and watch, then `same` or the readings. Version `0` where the store is
/// full and there is none: nothing is stored under it.
///
/// What another program has left under the name is removed.
pub(crate) static LOOK_UP: LazyLock<StoreScript> = LazyLock::new(|| {
    StoreScript::new(
        r"
        local key = KEYS[1]
        local kind = redis.call('TYPE', key)['ok']
        if kind ~= 'hash' and kind ~= 'none' then redis.call('DEL', key) end
        local version = redis.call('HGET', key, 'v')
        if version and not string.match(version, '^[1-9]%d*$') then
            redis.call('DEL', key)
            version = false
        end
        if not version then
            local made = redis.pcall('HSET', key, 'v', ARGV[2], 'n', '0')
            if type(made) == 'table' and made['err'] then return {'0', '0', ''} end
            redis.call('PEXPIRE', key, ARGV[3])
            version = ARGV[2]
        end
        local changes = redis.call('HGET', key, 'n') or '0'
        local watch = redis.call('HGET', key, 'w') or ''
        if ARGV[1] == version .. ':' .. changes then return {version, changes, watch, 'same'} end
        local answer = {version, changes, watch}
        local fields = redis.call('HGETALL', key)
        for at = 1, #fields, 2 do
            if string.match(fields[at], '^%-?%d+:%-?%d+:%-?%d+$') then answer[#answer + 1] = fields[at + 1] end
        end
        return answer
        ",
    )
});

/// Stores a reading if the version is still the given one, and removes what it makes useless. Takes version, start, end, milliseconds, bytes, for
/// how many milliseconds to keep the mailbox, and how many readings it may have. Answers the number of changes, or 0 where the version is
/// another.
pub(crate) static STORE: LazyLock<StoreScript> = LazyLock::new(|| {
    StoreScript::new(
        r"
        local key = KEYS[1]
        if redis.call('TYPE', key)['ok'] ~= 'hash' then return 0 end
        if redis.call('HGET', key, 'v') ~= ARGV[1] then return 0 end
        local from, to, at = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
        local others = {}
        for _, field in ipairs(redis.call('HKEYS', key)) do
            local a, b, c = string.match(field, '^(%-?%d+):(%-?%d+):(%-?%d+)$')
            if a then
                a, b, c = tonumber(a), tonumber(b), tonumber(c)
                if a >= from and b <= to and c <= at then
                    redis.call('HDEL', key, field)
                else
                    others[#others + 1] = {b - a, c, field}
                end
            end
        end
        table.sort(others, function(x, y)
            if x[1] ~= y[1] then return x[1] < y[1] end
            return x[2] < y[2]
        end)
        for extra = 1, #others + 1 - tonumber(ARGV[7]) do redis.call('HDEL', key, others[extra][3]) end
        redis.call('HSET', key, ARGV[2] .. ':' .. ARGV[3] .. ':' .. ARGV[4], ARGV[5])
        redis.call('PEXPIRE', key, ARGV[6])
        return redis.call('HINCRBY', key, 'n', 1)
        ",
    )
});

/// Makes what was read of a mailbox void: the version goes with the readings, and the next look makes a new one. The watch stays. A store that
/// is full does this as well.
pub(crate) static FORGET: LazyLock<StoreScript> = LazyLock::new(|| {
    StoreScript::new(
        r"
        local key = KEYS[1]
        local watch = redis.call('TYPE', key)['ok'] == 'hash' and redis.call('HGET', key, 'w')
        local left = watch and redis.call('PTTL', key)
        redis.call('DEL', key)
        if watch and left > 0 then
            redis.pcall('HSET', key, 'w', watch)
            redis.pcall('PEXPIRE', key, left)
        end
        return 1
        ",
    )
});

/// Puts a mailbox under a watch. Takes the mailbox and the role, the leadership's token, the watch, and for how many milliseconds to keep it.
/// Answers 0 where another instance leads.
pub(crate) static WATCH: LazyLock<StoreScript> = LazyLock::new(|| {
    StoreScript::new(
        r"
        local key = KEYS[1]
        local leader = redis.call('GET', KEYS[2])
        if not leader or string.match(leader, '%d+$') ~= ARGV[1] then return 0 end
        if redis.call('TYPE', key)['ok'] ~= 'hash' then redis.call('DEL', key) end
        redis.call('HSET', key, 'w', ARGV[2])
        if redis.call('PTTL', key) < 0 then redis.call('PEXPIRE', key, ARGV[3]) end
        return 1
        ",
    )
});

/// Ends the watch of a mailbox, if it is one under the given leadership.
pub(crate) static UNWATCH: LazyLock<StoreScript> = LazyLock::new(|| {
    StoreScript::new(
        r"
        local key = KEYS[1]
        local watch = redis.call('TYPE', key)['ok'] == 'hash' and redis.call('HGET', key, 'w')
        if watch and string.match(watch, '^%d+') == ARGV[1] then return redis.call('HDEL', key, 'w') end
        return 0
        ",
    )
});

/// Asks to lead in a role, which holds the leader's instance, a colon and its token. Takes the instance, the token that may be renewed, the token
/// to lead under otherwise, and milliseconds. Answers the token under which the caller leads, or 0.
pub(crate) static LEAD: LazyLock<StoreScript> = LazyLock::new(|| {
    StoreScript::new(
        r"
        local role = KEYS[1]
        local held = redis.call('TYPE', role)['ok'] == 'string' and redis.call('GET', role)
        if held == ARGV[1] .. ':' .. ARGV[2] then
            redis.call('PEXPIRE', role, ARGV[4])
            return ARGV[2]
        end
        if held and string.match(held, '^%d+') ~= ARGV[1] then return '0' end
        redis.call('SET', role, ARGV[1] .. ':' .. ARGV[3], 'PX', ARGV[4])
        return ARGV[3]
        ",
    )
});

/// Gives up a lease, if it is still the caller's.
pub(crate) static GIVE_UP: LazyLock<StoreScript> = LazyLock::new(|| {
    StoreScript::new("if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0")
});
