using System.IO.Compression;
using System.Runtime.InteropServices;

namespace NativeMm.Tests.Support;

/// <summary>Pages to store: of real programs, and made ones of each kind that a page store tells apart.</summary>
public static class SamplePages
{
    private static readonly Lazy<byte[]> s_real = new(ReadReal);

    /// <summary>The pages of real programs, cut to a length; neighbours make larger pages.</summary>
    public static IReadOnlyList<byte[]> Real(int pageBytes) => [.. s_real.Value.Chunk(pageBytes)];

    /// <summary>A page that repeats one word.</summary>
    public static byte[] Same(int pageBytes, ulong word)
    {
        byte[] page = new byte[pageBytes];
        MemoryMarshal.Cast<byte, ulong>(page.AsSpan()).Fill(word);
        return page;
    }

    /// <summary>A page that compresses to about a third: one word in three is random, the others count.</summary>
    public static byte[] Compressible(int pageBytes, int seed)
    {
        var random = new Random(seed);
        byte[] page = new byte[pageBytes];
        Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(page.AsSpan());
        for (int i = 0; i < words.Length; i++)
        {
            words[i] = i % 3 == 0 ? (ulong)random.NextInt64() : (ulong)(i / 8);
        }

        return page;
    }

    /// <summary>A page that nothing compresses.</summary>
    public static byte[] Incompressible(int pageBytes, int seed)
    {
        byte[] page = new byte[pageBytes];
        new Random(seed).NextBytes(page);
        return page;
    }

    /// <summary>A page of any kind, the same for the same seed.</summary>
    public static byte[] Any(int pageBytes, int seed) => (seed % 4) switch
    {
        0 => Same(pageBytes, (ulong)seed * 0x0101010101010101),
        1 => Incompressible(pageBytes, seed),
        _ => Compressible(pageBytes, seed),
    };

    private static byte[] ReadReal()
    {
        string path = RepositoryRoot.Combine("native-tests", "NativeMm.Tests", "Support", "Pages", "pages.bin.gz");
        using var pages = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        using var memory = new MemoryStream();
        pages.CopyTo(memory);
        return memory.ToArray();
    }
}
