using NativeMm.Soak.Shadow;

namespace NativeMm.Soak.Holdings;

/// <summary>Sizes as programs ask for them: most are small, a few are large.</summary>
internal static class Sizes
{
    /// <summary>1 byte to 5 MiB.</summary>
    public static int Any(Chance chance) => chance.Below(1000) switch
    {
        < 600 => chance.Between(1, 256),
        < 850 => chance.Between(257, 4096),
        < 960 => chance.Between(4097, 1 << 16),
        < 990 => chance.Between((1 << 16) + 1, 1 << 19),
        < 998 => chance.Between((1 << 19) + 1, 2 << 20),
        _ => chance.Between((2 << 20) + 1, 5 << 20),
    };

    /// <summary>1 byte to 64 KiB.</summary>
    public static int Small(Chance chance) => chance.OneIn(8) ? chance.Between(4097, 1 << 16) : chance.Between(1, 4096);
}
