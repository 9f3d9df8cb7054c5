//! What runs inside the store, each script on one mailbox's hash: its fields are the version `v`, the number `n` of changes under it, and one
//! field per reading, named by its window's start and end and the millisecond at which it was read.

use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    sync::LazyLock,
};

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

    /// Runs the script on one key with the arguments that `add` adds, in a pipeline that has loaded it.
    pub(crate) fn run(&self, pipe: &mut Pipeline, key: &str, add: impl FnOnce(&mut Cmd)) {
        let mut command = redis::cmd("EVALSHA");
        command.arg(&self.hash).arg(1).arg(key);
        add(&mut command);
        pipe.add_command(command);
    }
}

/// Looks a mailbox up. Takes the version and number of changes that the caller has in memory (`v:n`), a random version for a mailbox that has
/// none, and for how many milliseconds to keep it. Answers version and number, then `same` or the readings. Version `0` where the store is full
/// and there is none: nothing is stored under it.
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
            if type(made) == 'table' and made['err'] then return {'0', '0'} end
            redis.call('PEXPIRE', key, ARGV[3])
            return {ARGV[2], '0'}
        end
        local changes = redis.call('HGET', key, 'n') or '0'
        if ARGV[1] == version .. ':' .. changes then return {version, changes, 'same'} end
        local answer = {version, changes}
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

/// Holds or renews a lease: takes the token and milliseconds; answers 1 where it is the caller's.
pub(crate) static HOLD: LazyLock<StoreScript> = LazyLock::new(|| {
    StoreScript::new(
        r"
        if redis.call('GET', KEYS[1]) == ARGV[1] then
            redis.call('PEXPIRE', KEYS[1], ARGV[2])
            return 1
        end
        if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
        return 0
        ",
    )
});

/// Gives up a lease, if it is still the caller's.
pub(crate) static GIVE_UP: LazyLock<StoreScript> = LazyLock::new(|| {
    StoreScript::new("if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0")
});

/// A number from 1 to 2^63 - 1 that no other call anywhere will get: keyed by the operating system's random bytes.
pub(crate) fn random_number() -> u64 {
    let mut hash = RandomState::new().build_hasher();
    hash.write_u64(fastrand::u64(..));
    (hash.finish() >> 1).max(1)
}
