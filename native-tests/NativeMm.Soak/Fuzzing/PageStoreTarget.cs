using NativeMm.Buffers;
using NativeMm.Runtime;
using NativeMm.Soak.Shadow;

namespace NativeMm.Soak.Fuzzing;

/// <summary>A page store beside a dictionary; compressed pages are damaged: a load gives the page that was stored, or says that it is corrupted.</summary>
internal sealed class PageStoreTarget : IFuzzTarget
{
    private const int Keys = 64;
    private const int PageBytes = 4096;
    private const int CasesPerValidation = 20_000;
    private readonly MemoryRuntime _runtime = FuzzRuntime.Make();
    private readonly DamagingCodec _codec = new();
    private readonly CompressedPageStore _store;
    private readonly Dictionary<ulong, byte[]> _model = [];
    private readonly byte[] _page = new byte[PageBytes];
    private int _cases;

    public PageStoreTarget() => _store = new CompressedPageStore(new CompressedPageStoreOptions { Codec = _codec }, _runtime);

    public string Name => "pages";

    public void Run(Chance chance)
    {
        ulong key = (ulong)chance.Below(Keys);
        switch (chance.Below(8))
        {
            case 0 or 1:
                byte[] page = new byte[PageBytes];
                FuzzPages.Fill(page, chance);
                _store.Store(key, page);
                _model[key] = page;
                break;
            case 2:
                Require(_store.Remove(key) == _model.Remove(key), key, "to remove what was stored", "another answer");
                break;
            case 3 or 4:
                Load(key, chance);
                break;
            default:
                Load(key, null);
                break;
        }

        if (++_cases % CasesPerValidation == 0)
        {
            _store.Validate();
            _runtime.Validate();
        }
    }

    public void Dispose()
    {
        _store.Dispose();
        _runtime.Dispose();
    }

    private void Load(ulong key, Chance? damage)
    {
        _codec.Damage = damage;
        try
        {
            bool found = _store.TryLoad(key, _page);
            Require(found == _model.ContainsKey(key), key, "what was stored and not removed", "another answer");
            Require(!found || _page.AsSpan().SequenceEqual(_model[key]), key, "the page that was stored", "another, without a word");
        }
        catch (PageCorruptedException problem) when (damage is not null && problem.Key == key)
        {
            Require(!_page.AsSpan().ContainsAnyExcept((byte)0), key, "a cleared destination", "bytes of a damaged page");
        }
        finally
        {
            _codec.Damage = null;
        }
    }

    private static void Require(bool holds, ulong key, string expected, string found)
    {
        if (!holds)
        {
            throw new FindingException($"page {key}", 0, expected, found);
        }
    }
}
