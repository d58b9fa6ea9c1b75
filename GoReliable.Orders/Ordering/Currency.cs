using System.Collections.Frozen;

namespace GoReliable.Orders.Ordering;

/// <summary>Active ISO 4217 currencies and how many decimals each has.</summary>
internal static class Currency
{
    private static readonly FrozenDictionary<string, int> Decimals = Table();

    /// <summary>Decimals of the minor unit, or null where there is no such currency.</summary>
    public static int? DecimalsOf(string code) => Decimals.TryGetValue(code, out var decimals) ? decimals : null;

    private static FrozenDictionary<string, int> Table()
    {
        // https://www.six-group.com/en/products-services/financial-information/data-standards.html, list one; without
        // funds, metals and test codes.
        var table = new Dictionary<string, int>(StringComparer.Ordinal);
        Add(0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF");
        Add(
            2,
            """
            AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC
            CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR
            JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD
            NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN
            SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG
            """
        );
        Add(3, "BHD IQD JOD KWD LYD OMR TND");
        return table.ToFrozenDictionary(StringComparer.Ordinal);

        void Add(int decimals, string codes)
        {
            foreach (var code in codes.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
                table.Add(code, decimals);
        }
    }
}
