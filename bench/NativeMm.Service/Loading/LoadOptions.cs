namespace NativeMm.Service.Loading;

/// <summary>What the load generator does. It speaks to the loopback address and to nothing else, and ends by itself.</summary>
/// <param name="Port">Where the service listens.</param>
/// <param name="Bytes">Bytes of values to fill it with.</param>
/// <param name="IsCompressible">Whether the values are text; otherwise they are random.</param>
/// <param name="Connections">Connections, each with one request at a time.</param>
/// <param name="Rate">Requests a second in the phase whose latencies are recorded.</param>
/// <param name="Seconds">Length of each of the two measured phases.</param>
/// <param name="RequestsMax">Requests that no phase goes beyond.</param>
/// <param name="Reads">Share of reads among requests; the others set.</param>
/// <param name="Skew">Exponent of the zipf distribution of the keys, above 0 and below 1.</param>
/// <param name="Settle">Seconds from the end of the load to the last look at the memory.</param>
/// <param name="Warm">Requests before anything is measured.</param>
/// <param name="Seed">Of everything that is drawn.</param>
internal sealed record LoadOptions(
    int Port, long Bytes, bool IsCompressible, int Connections, long Rate, double Seconds, long RequestsMax, double Reads, double Skew, double Settle, long Warm, int Seed)
{
    /// <summary>Reads them from the command line.</summary>
    /// <exception cref="ArgumentException">One of them is out of its range.</exception>
    public static LoadOptions From(Arguments arguments) => new(
        (int)arguments.Number("port", 0, 1, ushort.MaxValue),
        arguments.Number("bytes", 64L << 20, 1L << 20, 64L << 30),
        arguments.Text("values", "compressible") switch
        {
            "compressible" => true,
            "incompressible" => false,
            string other => throw new ArgumentException($"--values is '{other}'; it must be compressible or incompressible."),
        },
        (int)arguments.Number("connections", 16, 1, 256),
        arguments.Number("rate", 10_000, 1, 1_000_000),
        arguments.Real("seconds", 10, 0.1, 600),
        arguments.Number("requests", 20_000_000, 1, 100_000_000),
        arguments.Real("reads", 0.9, 0, 1),
        arguments.Real("skew", 0.99, 0.01, 0.999),
        arguments.Real("settle", 15, 0, 60),
        arguments.Number("warm", 20_000, 0, 1_000_000),
        (int)arguments.Number("seed", 1, 0, int.MaxValue));
}
