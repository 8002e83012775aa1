using NativeMm.Platform;

namespace NativeMm.Buffers;

/// <summary>The codecs that are there on this system. Native libraries are looked for once, at the first use of this type. Thread-safe.</summary>
public static class PageCodecs
{
    /// <summary>LZ4 by <c>liblz4.so.1</c>, or null where that library is not installed. The fastest.</summary>
    public static IPageCodec? Lz4 { get; } = FindLz4(Lz4Library.Names);

    /// <summary>Zstandard at level 1 by <c>libzstd.so.1</c>, or null where that library is not installed. Compresses best.</summary>
    public static IPageCodec? Zstandard { get; } = FindZstandard(ZstandardLibrary.Names);

    /// <summary>Brotli at quality 1, part of the framework: always there, and the slowest.</summary>
    public static IPageCodec Brotli { get; } = new BrotliPageCodec();

    /// <summary>What a store takes when it is not told: the first of LZ4, Zstandard and Brotli that is there.</summary>
    public static IPageCodec Default => Lz4 ?? Zstandard ?? Brotli;

    /// <summary>Every codec that is there, fastest first.</summary>
    public static IReadOnlyList<IPageCodec> Available { get; } =
        [.. new[] { Lz4, Zstandard, Brotli }.Where(codec => codec is not null).Select(codec => codec!)];

    /// <summary>LZ4 by the first library of these names, or null.</summary>
    internal static IPageCodec? FindLz4(ReadOnlySpan<string> names) => Lz4Library.Load(names) is { } library ? new Lz4PageCodec(library) : null;

    /// <summary>Zstandard by the first library of these names, or null.</summary>
    internal static IPageCodec? FindZstandard(ReadOnlySpan<string> names) =>
        ZstandardLibrary.Load(names) is { } library ? new ZstandardPageCodec(library) : null;
}
