using System.IO.Compression;
using System.Runtime.InteropServices;
using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Pages;

/// <summary>Memory pages of real programs, in one array. Format: <c>bench/pages/README.md</c>.</summary>
internal sealed class PageSet
{
    /// <summary>Bytes of a page.</summary>
    public const int PageBytes = 4096;

    private const int PagesMax = 1 << 18;

    private readonly byte[] _bytes;

    private PageSet(byte[] bytes) => _bytes = bytes;

    /// <summary>Number of pages.</summary>
    public int Count => _bytes.Length / PageBytes;

    /// <summary>The file that comes with the project, or null when it is missing.</summary>
    public static string? ShippedFile => RepositoryFolders.Shipped("pages", "pages.bin.gz");

    /// <summary>One page.</summary>
    public ReadOnlySpan<byte> this[int index] => _bytes.AsSpan(index * PageBytes, PageBytes);

    /// <summary>Reads the pages that come with the project.</summary>
    /// <exception cref="LabUsageException">The file is not there or broken.</exception>
    public static PageSet ReadShipped()
    {
        string path = ShippedFile ?? throw new LabUsageException("The pages are missing: pages.bin.gz is neither in bench/pages of the repository nor in the folder pages beside the lab.");
        using FileStream file = File.OpenRead(path);
        return Read(file, path);
    }

    /// <summary>Reads pages from a compressed stream.</summary>
    /// <param name="compressed">The stream.</param>
    /// <param name="name">What to call it in messages.</param>
    /// <exception cref="LabUsageException">It is not gzip, or holds no whole number of pages.</exception>
    public static PageSet Read(Stream compressed, string name)
    {
        using var content = new MemoryStream();
        try
        {
            using var gzip = new GZipStream(compressed, CompressionMode.Decompress);
            gzip.CopyTo(content);
        }
        catch (InvalidDataException exception)
        {
            throw new LabUsageException($"{name} cannot be read: {exception.Message}");
        }

        return content.Length > 0 && content.Length % PageBytes == 0 && content.Length / PageBytes <= PagesMax
            ? new PageSet(content.ToArray())
            : throw new LabUsageException($"{name} holds {content.Length} bytes: expected 1 to {PagesMax} pages of {PageBytes} bytes.");
    }

    /// <summary>Whether a page holds one word of eight bytes only, again and again. A page store keeps no memory for such a page.</summary>
    public bool IsSameFilled(int index)
    {
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(this[index]);
        return !words.ContainsAnyExcept(words[0]);
    }
}
