namespace NativeMm.Soak.Shadow;

/// <summary>Numbers by a seed (SplitMix64). Not thread-safe: each thread has its own.</summary>
internal sealed class Chance(ulong seed)
{
    private ulong _state;

    /// <summary>The next number.</summary>
    public ulong Next()
    {
        _state += 0x9E3779B97F4A7C15;
        return Mix(seed + _state);
    }

    /// <summary>0 to <paramref name="end"/> − 1.</summary>
    public int Below(int end) => (int)(Next() % (ulong)end);

    /// <summary><paramref name="first"/> to <paramref name="last"/>, both included.</summary>
    public int Between(int first, int last) => first + Below(last - first + 1);

    /// <summary>True once in so many times.</summary>
    public bool OneIn(int times) => Below(times) == 0;

    /// <summary>Another source, whose numbers have nothing to do with those of this one.</summary>
    public Chance Fork(int number) => new(Mix(seed ^ ((ulong)number * 0xD1B54A32D192ED03)));

    /// <summary>A number that looks like no other.</summary>
    public static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
