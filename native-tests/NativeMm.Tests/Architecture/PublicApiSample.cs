namespace NativeMm.Tests.Architecture;

/// <summary>Something of everything, for the test of the text. Never used otherwise.</summary>
public unsafe struct PublicApiSample<T> : IDisposable
{
    public const int Limit = 7;

    public T[] Value { get; init; }

    public readonly int? Find<TKey>(in TKey key, out byte* address, nuint length = 3)
    {
        address = null;
        return (int)length;
    }

    public override readonly string ToString() => "sample";

    public readonly void Dispose() => Hidden();

    private readonly void Hidden()
    {
    }
}
