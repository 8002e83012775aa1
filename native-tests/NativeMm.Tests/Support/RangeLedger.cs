namespace NativeMm.Tests.Support;

/// <summary>Which addresses are live. Ranges may be replaced, split and taken away piece by piece.</summary>
public sealed class RangeLedger
{
    private readonly SortedDictionary<nuint, nuint> _endByStart = [];

    /// <summary>Bytes that are live.</summary>
    public ulong LiveBytes => _endByStart.Aggregate(0UL, (sum, range) => sum + (range.Value - range.Key));

    /// <summary>Makes a range live; parts that are live already stay so.</summary>
    public void Add(nuint address, nuint bytes)
    {
        Cut(address, bytes);
        _endByStart.Add(address, address + bytes);
    }

    /// <summary>Takes a range away. False when a part of it was not live.</summary>
    public bool Remove(nuint address, nuint bytes) => Cut(address, bytes) == bytes;

    /// <summary>The live ranges, for messages.</summary>
    public override string ToString() => string.Join(", ", _endByStart.Select(range => $"{range.Key:x}–{range.Value:x}"));

    private nuint Cut(nuint address, nuint bytes)
    {
        nuint end = address + bytes;
        nuint cut = 0;
        foreach ((nuint start, nuint stop) in _endByStart.Where(range => range.Key < end && range.Value > address).ToArray())
        {
            _endByStart.Remove(start);
            if (start < address)
            {
                _endByStart.Add(start, address);
            }

            if (stop > end)
            {
                _endByStart.Add(end, stop);
            }

            cut += nuint.Min(stop, end) - nuint.Max(start, address);
        }

        return cut;
    }
}
