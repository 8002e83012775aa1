using System.Runtime.InteropServices;

namespace NativeMm.Buffers;

/// <summary>Pages that repeat one word of eight bytes; zero pages above all.</summary>
internal static class SameFilledPage
{
    /// <summary>Whether a page repeats one word.</summary>
    /// <param name="page">A multiple of eight bytes, not empty.</param>
    /// <param name="word">The first word of the page, in the machine's byte order.</param>
    public static bool Detect(ReadOnlySpan<byte> page, out ulong word)
    {
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(page);
        word = words[0];

        // Most pages that begin with equal words end with others.
        return words[^1] == word && !words.ContainsAnyExcept(word);
    }

    /// <summary>Restores a page.</summary>
    public static void Fill(Span<byte> page, ulong word) => MemoryMarshal.Cast<byte, ulong>(page).Fill(word);
}
