using System.IO.Compression;
using Google.Protobuf;

namespace NativeMm.Extensions.Tests.Profile;

/// <summary>A profile as any reader of the format sees it: read by Google's own decoder, by the field numbers of profile.proto.</summary>
internal sealed class PprofProfile
{
    private readonly List<(ulong[] Locations, ulong[] Values)> _samples = [];
    private readonly Dictionary<ulong, ulong> _functionOfLocation = [];
    private readonly Dictionary<ulong, ulong> _nameOfFunction = [];
    private readonly List<(ulong Type, ulong Unit)> _types = [];

    public List<string> Strings { get; } = [];

    public ulong Period { get; private set; }

    public ulong DefaultType { get; private set; }

    public ulong TimeNanos { get; private set; }

    public List<ulong> Mappings { get; } = [];

    public IEnumerable<string> Types => _types.Select(type => $"{Strings[(int)type.Type]}/{Strings[(int)type.Unit]}");

    /// <summary>Names of the functions, innermost first, and the four values.</summary>
    public IEnumerable<(string[] Stack, ulong[] Values)> Samples => _samples.Select(sample =>
        (sample.Locations.Select(location => Strings[(int)_nameOfFunction[_functionOfLocation[location]]]).ToArray(), sample.Values));

    /// <summary>Sums of the values of all samples that a function is in.</summary>
    public ulong[] SumOf(string function)
    {
        ulong[][] rows = [.. Samples.Where(sample => sample.Stack.Any(name => name.EndsWith(function, StringComparison.Ordinal))).Select(sample => sample.Values)];
        return [.. Enumerable.Range(0, 4).Select(i => rows.Aggregate(0UL, (sum, row) => sum + row[i]))];
    }

    public static PprofProfile Read(byte[] file)
    {
        using var gzip = new GZipStream(new MemoryStream(file), CompressionMode.Decompress);
        using var plain = new MemoryStream();
        gzip.CopyTo(plain);
        var profile = new PprofProfile();
        Walk(plain.ToArray(), profile.Field);
        return profile;
    }

    private void Field(int number, ulong value, byte[] bytes)
    {
        switch (number)
        {
            case 1:
                Dictionary<int, ulong> type = Numbers(bytes);
                _types.Add((type.GetValueOrDefault(1), type.GetValueOrDefault(2)));
                break;
            case 2:
                ulong[] locations = [];
                ulong[] values = [];
                Walk(bytes, (field, _, packed) =>
                {
                    locations = field == 1 ? Unpack(packed) : locations;
                    values = field == 2 ? Unpack(packed) : values;
                });
                _samples.Add((locations, values));
                break;
            case 3:
                Mappings.Add(Numbers(bytes)[1]);
                break;
            case 4:
                ulong line = 0;
                ulong id = 0;
                Walk(bytes, (field, one, inner) =>
                {
                    line = field == 4 ? Numbers(inner)[1] : line;
                    id = field == 1 ? one : id;
                });
                _functionOfLocation.Add(id, line);
                break;
            case 5:
                Dictionary<int, ulong> function = Numbers(bytes);
                _nameOfFunction.Add(function[1], function[2]);
                break;
            case 6:
                Strings.Add(System.Text.Encoding.UTF8.GetString(bytes));
                break;
            case 9:
                TimeNanos = value;
                break;
            case 12:
                Period = value;
                break;
            case 14:
                DefaultType = value;
                break;
        }
    }

    private static Dictionary<int, ulong> Numbers(byte[] message)
    {
        var numbers = new Dictionary<int, ulong>();
        Walk(message, (field, value, _) => numbers[field] = value);
        return numbers;
    }

    private static ulong[] Unpack(byte[] packed)
    {
        var numbers = new List<ulong>();
        var input = new CodedInputStream(packed);
        while (!input.IsAtEnd)
        {
            numbers.Add(input.ReadUInt64());
        }

        return [.. numbers];
    }

    private static void Walk(byte[] message, Action<int, ulong, byte[]> field)
    {
        var input = new CodedInputStream(message);
        for (uint tag; (tag = input.ReadTag()) != 0;)
        {
            int number = WireFormat.GetTagFieldNumber(tag);
            if (WireFormat.GetTagWireType(tag) == WireFormat.WireType.LengthDelimited)
            {
                field(number, 0, input.ReadBytes().ToByteArray());
            }
            else
            {
                field(number, input.ReadUInt64(), []);
            }
        }
    }
}
