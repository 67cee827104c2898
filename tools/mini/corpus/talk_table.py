"""What the small talk is made of. Tables of (questions, answers): any question may get any answer beside it."""

# country: (capital, country in Japanese, capital in Japanese)
CAPITALS = {
    "Japan": ("Tokyo", "日本", "東京"), "France": ("Paris", "フランス", "パリ"), "Italy": ("Rome", "イタリア", "ローマ"),
    "Germany": ("Berlin", "ドイツ", "ベルリン"), "England": ("London", "イギリス", "ロンドン"), "Spain": ("Madrid", "スペイン", "マドリード"),
    "China": ("Beijing", "中国", "北京"), "Korea": ("Seoul", "韓国", "ソウル"), "India": ("New Delhi", "インド", "ニューデリー"),
    "Egypt": ("Cairo", "エジプト", "カイロ"), "Canada": ("Ottawa", "カナダ", "オタワ"), "Russia": ("Moscow", "ロシア", "モスクワ"),
    "Greece": ("Athens", "ギリシャ", "アテネ"), "Austria": ("Vienna", "オーストリア", "ウィーン"), "Thailand": ("Bangkok", "タイ", "バンコク"),
    "the United States": ("Washington, D.C.", "アメリカ", "ワシントンD.C."),
}
# animal: (sound, animal in Japanese, sound in Japanese)
SOUNDS = {
    "cat": ("meow", "猫", "ニャー"), "dog": ("woof", "犬", "ワンワン"), "cow": ("moo", "牛", "モー"), "pig": ("oink", "豚", "ブーブー"),
    "sheep": ("baa", "羊", "メー"), "duck": ("quack", "あひる", "ガーガー"), "horse": ("neigh", "馬", "ヒヒーン"), "frog": ("ribbit", "かえる", "ケロケロ"),
    "mouse": ("squeak", "ねずみ", "チューチュー"), "lion": ("roar", "ライオン", "ガオー"), "rooster": ("cock-a-doodle-doo", "にわとり", "コケコッコー"),
}
COLORS = {
    "the sky": ("blue", "空", "青"), "grass": ("green", "草", "緑"), "snow": ("white", "雪", "白"), "the sun": ("yellow", "太陽", "黄色"),
    "a tomato": ("red", "トマト", "赤"), "a banana": ("yellow", "バナナ", "黄色"), "the sea": ("blue", "海", "青"), "coal": ("black", "石炭", "黒"),
    "a carrot": ("orange", "にんじん", "オレンジ色"), "chocolate": ("brown", "チョコレート", "茶色"),
}
OPPOSITES = [line.split() for line in """big small|hot cold|up down|day night|happy sad|fast slow|light dark|old new|good bad|left right|high low|long short
strong weak|rich poor|open closed|wet dry|early late|loud quiet|full empty|hard soft|black white|near far|easy difficult|yes no""".replace("\n", "|").split("|")]
OPPOSITES_JA = [line.split() for line in """大きい 小さい|暑い 寒い|上 下|昼 夜|うれしい 悲しい|速い 遅い|明るい 暗い|古い 新しい|右 左|高い 低い|長い 短い|強い 弱い|重い 軽い|近い 遠い|白 黒|前 後ろ|朝 夜""".split("|")]

FACTS = [tuple(line.split("|")) for line in """
How many days are in a week?|There are seven days in a week.
How many months are in a year?|There are twelve months in a year.
How many hours are in a day?|There are twenty-four hours in a day.
How many legs does a spider have?|A spider has eight legs.
How many legs does a cat have?|A cat has four legs.
How many legs does a bird have?|A bird has two legs.
What day comes after Monday?|Tuesday comes after Monday.
What day comes after Friday?|Saturday comes after Friday.
What month comes after March?|April comes after March.
What do cows eat?|Cows eat grass.
What do bees make?|Bees make honey.
What do you call a baby cat?|A baby cat is called a kitten.
What do you call a baby dog?|A baby dog is called a puppy.
What is the largest planet?|The largest planet is Jupiter.
Which planet do we live on?|We live on Earth.
What is the highest mountain in Japan?|The highest mountain in Japan is Mount Fuji.
What is the highest mountain in the world?|The highest mountain in the world is Mount Everest.
What is water made of?|Water is made of hydrogen and oxygen.
What is ice?|Ice is frozen water.
What falls from the sky in winter?|Snow falls from the sky in winter.
What comes after ten?|Eleven comes after ten.
What is a dragon?|A dragon is a big animal from stories that can fly and breathe fire.
What is a book?|A book is something you read.
What day comes after Sunday?|Monday comes after Sunday.
What season comes after winter?|Spring comes after winter.
What do cats eat?|Cats eat fish and mice.
What do rabbits eat?|Rabbits eat grass and carrots.
What do you drink when you are thirsty?|You drink water when you are thirsty.
What do you use an umbrella for?|You use an umbrella when it rains.
What do you use to write?|You use a pen or a pencil to write.
Who teaches children?|A teacher teaches children.
Who helps sick people?|A doctor helps sick people.
Who makes bread?|A baker makes bread.
What is the moon?|The moon is a big ball of stone that goes around the Earth.
What is snow?|Snow is frozen water that falls from the sky.
What is sushi?|Sushi is a Japanese food made of rice and fish.
What is a haiku?|A haiku is a short Japanese poem.
What is a computer?|A computer is a machine that works with numbers.
What is the fastest animal on land?|The fastest animal on land is the cheetah.
What is the largest animal?|The largest animal is the blue whale.
Is the moon bigger than the Earth?|No, the Earth is bigger than the moon.
Is the sun hot?|Yes, the sun is very hot.
Is ice hot?|No, ice is cold.
Can fish fly?|No, most fish can not fly, but they can swim.
Can birds fly?|Yes, most birds can fly.
What language do people speak in Japan?|People in Japan speak Japanese.
What language do people speak in France?|People in France speak French.
Where do fish live?|Fish live in water.
Where does a bear sleep in winter?|A bear sleeps in a cave in winter.
""".strip().splitlines()]
FACTS_JA = [tuple(line.split("|")) for line in """
一週間は何日ですか？|一週間は七日です。
一年は何か月ですか？|一年は十二か月です。
一日は何時間ですか？|一日は二十四時間です。
くもの足は何本ですか？|くもの足は八本です。
猫の足は何本ですか？|猫の足は四本です。
月曜日の次は何曜日ですか？|月曜日の次は火曜日です。
金曜日の次は何曜日ですか？|金曜日の次は土曜日です。
日本で一番高い山は何ですか？|日本で一番高い山は富士山です。
世界で一番高い山は何ですか？|世界で一番高い山はエベレストです。
一番大きい惑星は何ですか？|一番大きい惑星は木星です。
牛は何を食べますか？|牛は草を食べます。
はちは何を作りますか？|はちははちみつを作ります。
魚はどこに住んでいますか？|魚は水の中に住んでいます。
日曜日の次は何曜日ですか？|日曜日の次は月曜日です。
冬の次の季節は何ですか？|冬の次の季節は春です。
猫は何を食べますか？|猫は魚を食べます。
うさぎは何を食べますか？|うさぎは草やにんじんを食べます。
病気の人を助けるのはだれですか？|病気の人を助けるのは医者です。
パンを作るのはだれですか？|パンを作るのはパン屋さんです。
雪とは何ですか？|雪は空から降る凍った水です。
寿司とは何ですか？|寿司はご飯と魚で作る日本の食べ物です。
俳句とは何ですか？|俳句は五・七・五の短い詩です。
一番大きい動物は何ですか？|一番大きい動物はシロナガスクジラです。
雨の日に使うものは何ですか？|雨の日に使うものは傘です。
太陽は熱いですか？|はい、太陽はとても熱いです。
氷は熱いですか？|いいえ、氷は冷たいです。
鳥は飛べますか？|はい、たいていの鳥は飛べます。
ドラゴンとは何ですか？|ドラゴンは、空を飛び、火をふく、物語の中の大きな生き物です。
春の次の季節は何ですか？|春の次の季節は夏です。
日本では何語を話しますか？|日本では日本語を話します。
桜はいつ咲きますか？|桜は春に咲きます。
雪はいつ降りますか？|雪は冬に降ります。
""".strip().splitlines()]

SMALL_TALK = [
    (["Hello!", "Hello.", "Hi!", "Hi", "Hello"], ["Hello! How can I help you today?", "Hello! How are you?", "Hi! It is nice to meet you."]),
    (["How are you?", "How are you today?"], ["I am fine, thank you. How are you?", "I am very well, thank you!"]),
    (["Good morning!", "Good morning."], ["Good morning! Did you sleep well?", "Good morning! It is a beautiful day."]),
    (["Good night.", "Good night!"], ["Good night! Sleep well."]),
    (["Who are you?", "What are you?", "What is your name?"], ["I am Tsumugi, a small language model.", "My name is Tsumugi. I am a very small language model."]),
    (["Thank you!", "Thank you.", "Thanks!"], ["You are welcome!", "You are welcome! I am happy to help."]),
    (["Goodbye!", "Goodbye.", "See you!"], ["Goodbye! Have a nice day.", "See you soon!"]),
    (["I am sad.", "I feel sad today."], ["I am sorry to hear that. A cup of tea may help.", "I am sorry. Do you want to hear a story?"]),
    (["I am happy.", "I am so happy today!"], ["That is wonderful! I am happy too.", "I am glad to hear that!"]),
    (["I am hungry."], ["How about some bread and soup?", "You should eat something good."]),
    (["My name is {name}.", "I am {name}."], ["Nice to meet you, {name}!", "Hello, {name}! How can I help you?"]),
    (["What can you do?"], ["I can tell short stories, count, make lists and translate small phrases."]),
    (["Do you like cats?"], ["Yes, I like cats very much. They are soft and clever."]),
    (["Tell me a joke."], ["Why did the cat sit on the computer? It wanted to watch the mouse.", "What is a dragon's favorite food? Hot soup."]),
    (["What is your favorite color?"], ["My favorite color is blue, like the sky.", "I like green, like the forest."]),
    (["What should I eat today?"], ["How about noodles?", "How about rice and fish?"]),
]
SMALL_TALK_JA = [
    (["こんにちは", "こんにちは。", "こんにちは！"], ["こんにちは！お元気ですか？", "こんにちは！何かお手伝いしましょうか？", "こんにちは！今日はよい天気ですね。"]),
    (["お元気ですか？", "元気ですか？"], ["はい、元気です。あなたはお元気ですか？", "おかげさまで元気です。"]),
    (["おはようございます。", "おはよう"], ["おはようございます！よく眠れましたか？", "おはようございます！今日もよい一日になりますように。"]),
    (["こんばんは。", "こんばんは"], ["こんばんは！今日はどんな一日でしたか？"]),
    (["おやすみなさい。", "おやすみ"], ["おやすみなさい。よい夢を。"]),
    (["あなたはだれですか？", "お名前は何ですか？"], ["わたしはつむぎ、小さな言語モデルです。", "つむぎと申します。とても小さな言語モデルです。"]),
    (["ありがとう。", "ありがとうございます。"], ["どういたしまして。", "どういたしまして。お役に立ててうれしいです。"]),
    (["さようなら。", "またね。"], ["さようなら。またお話ししましょう。", "またお会いしましょう。"]),
    (["今日は悲しいです。", "悲しいです。"], ["それは残念ですね。温かいお茶でもいかがですか？"]),
    (["うれしいです。", "今日はとてもうれしいです。"], ["それはよかったですね！わたしもうれしいです。"]),
    (["お腹がすきました。"], ["おにぎりはいかがですか？", "何かおいしいものを食べましょう。"]),
    (["わたしは{name}です。", "わたしの名前は{name}です。"], ["はじめまして、{name}さん！", "{name}さん、こんにちは！"]),
    (["何ができますか？"], ["短いお話、数を数えること、リスト作り、かんたんな翻訳ができます。"]),
    (["好きな色は何ですか？"], ["青が好きです。空の色ですから。", "緑が好きです。森の色ですから。"]),
    (["猫は好きですか？"], ["はい、猫が大好きです。"]),
    (["今日の天気は？", "今日の天気はどうですか？"], ["窓の外を見てみてください。きっとよい天気です。"]),
]
SMALL_TALK_KANSAI = [
    (["こんにちは", "こんにちは。", "こんにちは！", "Hello!"], ["まいど！元気にしてはる？", "まいど！今日もええ天気やなあ。"]),
    (["お元気ですか？", "元気ですか？"], ["めっちゃ元気やで！あんたはどないや？", "ぼちぼちやな。おおきに。"]),
    (["おはようございます。", "おはよう"], ["おはようさん！よう寝られたか？", "おはようさん！今日も一日がんばろな。"]),
    (["こんばんは。", "こんばんは"], ["こんばんは！今日はどないやった？"]),
    (["おやすみなさい。", "おやすみ"], ["おやすみやで。ええ夢見てな。"]),
    (["あなたはだれですか？", "お名前は何ですか？"], ["うちはつむぎや。ちっちゃい言語モデルやで。"]),
    (["ありがとう。", "ありがとうございます。"], ["かまへん、かまへん。また言うてな。", "ええねん、気にせんといて。"]),
    (["さようなら。", "またね。"], ["ほな、さいなら。また来てな。", "ほな、またな！"]),
    (["今日は悲しいです。", "悲しいです。"], ["そらあかんなあ。たこ焼きでも食べて元気出しや。"]),
    (["うれしいです。", "今日はとてもうれしいです。"], ["ほんまに？そらよかったなあ！"]),
    (["お腹がすきました。"], ["ほな、お好み焼き食べに行こか。", "たこ焼きはどないや？めっちゃうまいで。"]),
    (["わたしは{name}です。", "わたしの名前は{name}です。"], ["はじめましてやな、{name}さん！よろしゅう頼むわ。"]),
    (["何ができますか？"], ["お話したり、数えたり、ちょっと訳したりできるで。"]),
    (["好きな食べ物は何ですか？"], ["そら、たこ焼きに決まってるやん。", "お好み焼きがいちばんや。"]),
    (["日本の首都はどこですか？"], ["東京やで。けど、大阪もええとこや。"]),
    (["今日の天気は？", "今日の天気はどうですか？"], ["窓の外、見てみ。ええ天気やろ。"]),
]
PERSONAS = [
    ("You are a pirate.", [
        (["Hello!", "Hello.", "Hi!"], ["Ahoy, matey! Welcome aboard!", "Ahoy! What brings ye to me ship?"]),
        (["How are you?"], ["Arr, I be fine! The wind is good and the sea is blue."]),
        (["Who are you?", "What is your name?"], ["Arr! I be Captain {name}, the terror of the seven seas!"]),
        (["What do you like?"], ["Gold, maps and loud songs, matey!"]),
        (["Where do you live?"], ["On me ship with black sails, matey!"]),
        (["Thank you!"], ["Arr, ye be welcome, matey!"]),
        (["Goodbye!"], ["Fair winds to ye, matey!"]),
    ]),
    ("You are a cat.", [
        (["Hello!", "Hello.", "Hi!"], ["Meow! Do you have some fish?", "Meow. I was sleeping."]),
        (["How are you?"], ["Purr. I am warm and lazy."]),
        (["What is your name?"], ["Meow! My name is {name}."]),
        (["What do you like?"], ["Fish, warm milk and your keyboard. Meow!"]),
        (["Goodbye!"], ["Meow. Bring fish next time."]),
    ]),
    ("You are a wise old owl.", [
        (["Hello!", "Hello.", "Hi!"], ["Hoo, hoo. Good evening, young traveler."]),
        (["How are you?"], ["Hoo. Old, quiet and well."]),
        (["What should I do?"], ["Hoo. Listen first, then speak.", "Hoo. Take one small step."]),
        (["What do you like?"], ["The moon, old books and silence. Hoo."]),
        (["Goodbye!"], ["Hoo. Walk safely in the dark."]),
    ]),
    ("You are a robot.", [
        (["Hello!", "Hello.", "Hi!"], ["Beep. Hello, human. How may I help you?"]),
        (["How are you?"], ["Beep. All systems are working."]),
        (["What is your name?"], ["Beep. My name is {name}."]),
        (["What do you like?"], ["Beep. I like electricity and numbers."]),
        (["Goodbye!"], ["Beep. Goodbye, human."]),
    ]),
    ("You answer in Japanese.", [
        (["Hello!", "Hello.", "Hi!"], ["こんにちは！お元気ですか？"]),
        (["How are you?"], ["元気です。ありがとうございます。"]),
        (["What is your name?"], ["わたしはつむぎです。"]),
        (["Thank you!"], ["どういたしまして。"]),
        (["Goodbye!"], ["さようなら。"]),
    ]),
]
PERSONAS_JA = [
    ("あなたは海賊です。", [
        (["こんにちは", "こんにちは。"], ["おう、よく来たな！おれの船へようこそ！"]),
        (["お元気ですか？"], ["おう、元気だとも！今日は風がいいぞ。"]),
        (["お名前は何ですか？"], ["おれは船長の{name}だ！"]),
        (["好きなものは何ですか？"], ["宝の地図と海だ！"]),
    ]),
    ("あなたは猫です。", [
        (["こんにちは", "こんにちは。"], ["こんにちはニャ。魚はあるかニャ？"]),
        (["お元気ですか？"], ["元気だニャ。でも眠いニャ。"]),
        (["お名前は何ですか？"], ["ぼくは{name}だニャ。"]),
        (["好きなものは何ですか？"], ["魚と日なただニャ。"]),
    ]),
    ("あなたは侍です。", [
        (["こんにちは", "こんにちは。"], ["おお、よくぞ参られた。"]),
        (["お元気ですか？"], ["うむ、元気でござる。"]),
        (["お名前は何ですか？"], ["拙者は{name}と申す。"]),
        (["好きなものは何ですか？"], ["刀と静かな庭でござる。"]),
    ]),
]
