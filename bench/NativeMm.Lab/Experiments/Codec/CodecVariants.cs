using NativeMm.Buffers;
using NativeMm.Lab.Baselines;

namespace NativeMm.Lab.Experiments.Codec;

/// <summary>The codecs that are compared.</summary>
internal static class CodecVariants
{
    /// <summary>Our binding of the system's LZ4.</summary>
    public static readonly Variant Liblz4 = new("liblz4", "LZ4 by our own binding of liblz4.so.1")
    {
        IsOurs = true,
        Missing = PageCodecs.Lz4 is null ? "liblz4 is left out: its library is not installed (Debian package liblz4-1)." : null,
    };

    /// <summary>LZ4 in managed code.</summary>
    public static readonly Variant K4os = new("k4os", "LZ4 by the package K4os.Compression.LZ4, fast level");

    /// <summary>Our binding of the system's Zstandard.</summary>
    public static readonly Variant Libzstd = new("libzstd", "Zstandard at level 1 by our own binding of libzstd.so.1")
    {
        IsOurs = true,
        Missing = PageCodecs.Zstandard is null ? "libzstd is left out: its library is not installed (Debian package libzstd1)." : null,
    };

    /// <summary>The framework's.</summary>
    public static readonly Variant Brotli = new("brotli", "Brotli at quality 1, part of the framework");

    /// <summary>All of them.</summary>
    public static IReadOnlyList<Variant> All { get; } = [Liblz4, K4os, Libzstd, Brotli];

    /// <summary>The codec of a variant.</summary>
    public static IPageCodec CodecOf(string variant) => variant switch
    {
        "liblz4" => PageCodecs.Lz4!,
        "k4os" => new K4osPageCodec(),
        "libzstd" => PageCodecs.Zstandard!,
        "brotli" => PageCodecs.Brotli,
        _ => throw new ArgumentException($"There is no codec called {variant}.", nameof(variant)),
    };
}
