using System.Runtime.CompilerServices;

namespace NativeMm.Buffers;

/// <summary>Spreads keys, which often count up, over stripes and slots: one mixed word, whose two halves serve the two.</summary>
internal static class PageHash
{
    /// <summary>Mixes a key; different keys give different words.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Of(ulong key)
    {
        key ^= key >> 32;
        key *= 0x9E3779B97F4A7C15;
        key ^= key >> 29;
        key *= 0xBF58476D1CE4E5B9;
        return key ^ (key >> 32);
    }

    /// <summary>The half that chooses a slot.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint SlotOf(ulong hash) => (uint)hash;

    /// <summary>The half that chooses a stripe.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint StripeOf(ulong hash) => (uint)(hash >> 32);
}
