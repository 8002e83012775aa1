namespace NativeMm.Buffers;

/// <summary>How a <see cref="PagedMemory"/> keeps its pages. docs/tuning.md says what each option does to speed and memory.</summary>
public sealed record PagedMemoryOptions
{
    /// <summary>Least <see cref="ResidentBytes"/>.</summary>
    public const long ResidentBytesMin = 1 << 20;

    /// <summary>Most of any number of bytes here.</summary>
    public const long BytesLimit = 1L << 43;

    /// <summary>Name in messages and listings. Default "paged".</summary>
    public string Name { get; init; } = "paged";

    /// <summary>Most bytes of pages in memory as they are, in whole pages of 4096 bytes, 1 MiB to 8 TiB. Default 64 MiB.</summary>
    public long ResidentBytes { get; init; } = 64 << 20;

    /// <summary>Most bytes of frames for compressed pages, 4096 to 8 TiB; 0, the default, for no limit but the runtime's.</summary>
    public long CompressedBytes { get; init; }

    /// <summary>
    /// A file for the pages that do not compress, or have no place within <see cref="CompressedBytes"/>: a name that nothing has. Where the system can, it loses its
    /// name at once, and nothing is left behind. Null, the default, for none: such pages stay in memory.
    /// </summary>
    public string? FilePath { get; init; }

    /// <summary>Most bytes of the file, 4096 to 8 TiB. 0, the default, takes twice the length of the memory: a snapshot may have as many pages again.</summary>
    public long FileBytes { get; init; }

    /// <summary>Who compresses. Null, the default, takes <see cref="PageCodecs.Default"/>.</summary>
    public IPageCodec? Codec { get; init; }

    /// <summary>
    /// Whether pages are fetched ahead of accesses that go through the memory in equal steps. It switches itself off while fewer than half of what it fetched is
    /// used. Default true.
    /// </summary>
    public bool StridePrefetch { get; init; } = true;

    /// <summary>Whether accesses are counted, which costs each of them a nanosecond or two, and gives the statistics a hit rate. Default false.</summary>
    public bool CountAccesses { get; init; }

    /// <summary>Throws when a value is out of its range.</summary>
    /// <exception cref="ArgumentNullException"><see cref="Name"/> is null.</exception>
    /// <exception cref="ArgumentException"><see cref="FilePath"/> is empty.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The message names the option, its value and its range.</exception>
    public void Validate()
    {
        ArgumentNullException.ThrowIfNull(Name);
        if (ResidentBytes is < ResidentBytesMin or > BytesLimit)
        {
            throw new ArgumentOutOfRangeException(
                nameof(ResidentBytes), ResidentBytes, $"ResidentBytes is {ResidentBytesMin} to {BytesLimit}, not {ResidentBytes}.");
        }

        CheckOptional(nameof(CompressedBytes), CompressedBytes);
        CheckOptional(nameof(FileBytes), FileBytes);
        if (FilePath is { Length: 0 })
        {
            throw new ArgumentException("FilePath is null for no file, or the name of a new one, not empty.", nameof(FilePath));
        }
    }

    /// <summary>Throws when values do not go together, each of which is in its range.</summary>
    /// <param name="hasFile">Whether there is a file in place of one by <see cref="FilePath"/>.</param>
    /// <exception cref="ArgumentException">The message names the options.</exception>
    internal void ValidateTogether(bool hasFile)
    {
        if (FileBytes != 0 && FilePath is null && !hasFile)
        {
            throw new ArgumentException($"FileBytes is {FileBytes}, and there is no file: FilePath is null.");
        }
    }

    private static void CheckOptional(string name, long value)
    {
        if (value is not 0 and (< 4096 or > BytesLimit))
        {
            throw new ArgumentOutOfRangeException(name, value, $"{name} is 0 or 4096 to {BytesLimit}, not {value}.");
        }
    }
}
