using System.IO.Compression;
using System.Text;

namespace NativeMm.Heap.Profile;

/// <summary>
/// Writes a profile in the format of pprof: gzip of the message Profile of its profile.proto, with the four values that heap profiles have by convention.
/// </summary>
internal sealed class PprofWriter
{
    // Field numbers of profile.proto.
    private const int ProfileSampleType = 1;
    private const int ProfileSample = 2;
    private const int ProfileMapping = 3;
    private const int ProfileLocation = 4;
    private const int ProfileFunction = 5;
    private const int ProfileStrings = 6;
    private const int ProfileTimeNanos = 9;
    private const int ProfileDurationNanos = 10;
    private const int ProfilePeriodType = 11;
    private const int ProfilePeriod = 12;
    private const int ProfileDefaultSampleType = 14;
    private const string Indent = "   at ";

    private readonly Dictionary<string, long> _strings = new(StringComparer.Ordinal) { [""] = 0 };
    private readonly List<string> _stringList = [""];
    private readonly Dictionary<string, ulong> _functions = new(StringComparer.Ordinal);
    private readonly ProtoWriter _profile = new();

    /// <summary>Writes the whole profile.</summary>
    public static void Write(HeapProfile profile, Stream stream)
    {
        byte[] message = new PprofWriter().Make(profile);
        using var gzip = new GZipStream(stream, CompressionLevel.Fastest, leaveOpen: true);
        gzip.Write(message);
    }

    private byte[] Make(HeapProfile profile)
    {
        AddValueType(ProfileSampleType, "alloc_objects", "count");
        AddValueType(ProfileSampleType, "alloc_space", "bytes");
        AddValueType(ProfileSampleType, "inuse_objects", "count");
        AddValueType(ProfileSampleType, "inuse_space", "bytes");
        foreach ((string stack, long allocatedObjects, long allocatedBytes, long inUseObjects, long inUseBytes) in profile.Snapshot())
        {
            var sample = new ProtoWriter();
            sample.Packed(1, [.. Frames(stack).Select(LocationOf)]);
            sample.Packed(2, [(ulong)allocatedObjects, (ulong)allocatedBytes, (ulong)inUseObjects, (ulong)inUseBytes]);
            _profile.Message(ProfileSample, sample);
        }

        // Readers want a mapping that says where the functions are; there are no addresses to look up.
        var mapping = new ProtoWriter();
        mapping.Number(1, 1);
        mapping.Number(5, (ulong)IndexOf(Environment.ProcessPath ?? "process"));
        mapping.Number(7, 1);
        _profile.Message(ProfileMapping, mapping);
        foreach ((string name, ulong id) in _functions)
        {
            AddFunction(name, id);
        }

        _profile.Number(ProfileTimeNanos, (ulong)(profile.Since - DateTimeOffset.UnixEpoch).Ticks * 100);
        _profile.Number(ProfileDurationNanos, (ulong)(DateTimeOffset.UtcNow - profile.Since).Ticks * 100);
        AddValueType(ProfilePeriodType, "space", "bytes");
        _profile.Number(ProfilePeriod, (ulong)profile.Interval);
        _profile.Number(ProfileDefaultSampleType, (ulong)IndexOf("inuse_space"));
        foreach (string text in _stringList)
        {
            _profile.Bytes(ProfileStrings, Encoding.UTF8.GetBytes(text));
        }

        return _profile.ToArray();
    }

    /// <summary>The frames of a stack as names of functions, innermost first. One without any is a place of its own.</summary>
    private static IEnumerable<string> Frames(string stack)
    {
        string[] lines = stack.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return lines.Length == 0 ? ["[unknown]"] : lines.Select(line => line.StartsWith("at ", StringComparison.Ordinal) ? line[Indent.TrimStart().Length..] : line);
    }

    private ulong LocationOf(string function)
    {
        if (!_functions.TryGetValue(function, out ulong id))
        {
            id = (ulong)_functions.Count + 1;
            _functions.Add(function, id);
        }

        return id;
    }

    /// <summary>One location a function: there are no lines.</summary>
    private void AddFunction(string name, ulong id)
    {
        int arguments = name.IndexOf('(', StringComparison.Ordinal);
        var function = new ProtoWriter();
        function.Number(1, id);
        function.Number(2, (ulong)IndexOf(arguments < 0 ? name : name[..arguments]));
        function.Number(3, (ulong)IndexOf(name));
        _profile.Message(ProfileFunction, function);
        var line = new ProtoWriter();
        line.Number(1, id);
        var location = new ProtoWriter();
        location.Number(1, id);
        location.Number(2, 1);
        location.Message(4, line);
        _profile.Message(ProfileLocation, location);
    }

    private void AddValueType(int field, string type, string unit)
    {
        var value = new ProtoWriter();
        value.Number(1, (ulong)IndexOf(type));
        value.Number(2, (ulong)IndexOf(unit));
        _profile.Message(field, value);
    }

    private long IndexOf(string text)
    {
        if (!_strings.TryGetValue(text, out long index))
        {
            index = _stringList.Count;
            _strings.Add(text, index);
            _stringList.Add(text);
        }

        return index;
    }
}
