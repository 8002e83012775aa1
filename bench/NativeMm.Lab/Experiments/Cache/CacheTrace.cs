using System.Buffers.Binary;
using System.IO.Compression;

namespace NativeMm.Lab.Experiments.Cache;

/// <summary>Requests to a cache, by number of the key. docs/lab.md has the format of the file.</summary>
/// <param name="requests">The keys, in order; each below <paramref name="keys"/>.</param>
/// <param name="keys">How many different keys there are.</param>
internal sealed class CacheTrace(int[] requests, int keys)
{
    private const int HeaderBytes = 32;
    private const int RequestsMax = 1 << 28;

    /// <summary>The keys, in order.</summary>
    public IReadOnlyList<int> Requests => requests;

    /// <summary>How many different keys there are.</summary>
    public int Keys { get; } = keys;

    /// <summary>The keys as they lie in memory.</summary>
    public ReadOnlySpan<int> AsSpan() => requests;

    /// <summary>Reads a file.</summary>
    /// <exception cref="InvalidDataException">It is no such file, or broken.</exception>
    public static CacheTrace Read(string path)
    {
        using var stream = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        return Read(stream, Path.GetFileName(path));
    }

    /// <summary>Reads what was compressed.</summary>
    /// <param name="stream">The trace.</param>
    /// <param name="name">What messages call it.</param>
    /// <exception cref="InvalidDataException">It is no such file, or broken.</exception>
    public static CacheTrace Read(Stream stream, string name)
    {
        Span<byte> header = stackalloc byte[HeaderBytes];
        if (stream.ReadAtLeast(header, HeaderBytes, throwOnEndOfStream: false) < HeaderBytes || !header[..8].SequenceEqual("NMCACHE1"u8))
        {
            throw new InvalidDataException($"{name} is not a cache trace: it does not begin with NMCACHE1.");
        }

        uint count = BinaryPrimitives.ReadUInt32LittleEndian(header[8..]);
        uint keys = BinaryPrimitives.ReadUInt32LittleEndian(header[12..]);
        if (count is 0 or > RequestsMax || keys > count)
        {
            throw new InvalidDataException($"{name} is broken: {count} requests of {keys} keys.");
        }

        byte[] bytes = new byte[count * sizeof(uint)];
        if (stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length)
        {
            throw new InvalidDataException($"{name} is broken: it ends before its {count} requests do.");
        }

        int[] requests = new int[count];
        for (int i = 0; i < requests.Length; i++)
        {
            requests[i] = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(i * sizeof(uint)));
            if ((uint)requests[i] >= keys)
            {
                throw new InvalidDataException($"{name} is broken: request {i} is for key {(uint)requests[i]} of {keys}.");
            }
        }

        return new CacheTrace(requests, (int)keys);
    }

    /// <summary>One trace, others after it, and one more: keys of different traces differ, and those of the last differ from those of the first.</summary>
    public static CacheTrace Join(CacheTrace first, IEnumerable<CacheTrace> middle, CacheTrace last)
    {
        var requests = new List<int>(first.Requests);
        int keys = first.Keys;
        int middleKeys = 0;
        foreach (CacheTrace one in middle)
        {
            requests.AddRange(one.Requests.Select(key => key + first.Keys));
            middleKeys = Math.Max(middleKeys, one.Keys);
        }

        keys += middleKeys;
        requests.AddRange(last.Requests.Select(key => key + keys));
        return new CacheTrace([.. requests], keys + last.Keys);
    }
}
